/**
 * Questions for the real kernel, and its answers as a golden: scripts in, one a line, records for `raw` out; with the answers
 * given too, the golden text. `npx tsx ask.ts SCRIPTS > IN.jsonl`, then `npx tsx ask.ts SCRIPTS OUT.jsonl > NAME.golden.txt`.
 */
import { readFileSync } from 'node:fs';
import { PACKETS } from './packets.ts';
import { answer, compile, parseScript, VALUE_SIZE } from './script.ts';

/** BPF_F_SLEEPABLE */
const SLEEPABLE = 16;
const hex = (b: Uint8Array): string => Buffer.from(b).toString('hex');
const lines = readFileSync(process.argv[2]!, 'utf8')
  .split('\n')
  .filter((l) => l !== '' && !l.startsWith('#'));
const answers =
  process.argv[3] === undefined
    ? undefined
    : readFileSync(process.argv[3], 'utf8')
        .trim()
        .split('\n')
        .map((l) => JSON.parse(l));

lines.forEach((line, n) => {
  const script = parseScript(line);
  const made = compile(script);
  const packet = PACKETS[script.packet]!;
  if (answers === undefined) {
    console.log(
      JSON.stringify({
        prog_type: script.type,
        insns: hex(made.insns),
        log_level: 0,
        flags: script.type === 'syscall' ? SLEEPABLE : 0,
        maps: [
          {
            type: 'array',
            key_size: 4,
            value_size: VALUE_SIZE,
            max_entries: 1,
            init: [{ key: '00000000', value: hex(made.before) }],
          },
        ],
        test_run: packet === '' ? { ctx_in: '00'.repeat(96) } : { data_in: packet },
      }),
    );
    return;
  }
  const got = answers[n];
  const run = Array.isArray(got.test_run) ? got.test_run[0] : got.test_run;
  console.log(line);
  if (!got.loaded) console.log(`  ${got.errno}`);
  else if (run.errno) console.log(`  run ${run.errno}`);
  else {
    const value = Buffer.from(got.maps[0].entries[0].value, 'hex');
    console.log(`  ${answer(made, new Uint8Array(value), packet, run.data_out ?? '')}`);
  }
});
