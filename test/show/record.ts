/**
 * Records what the real bpftool says of kernels of the model: `npx tsx test/show/record.ts BPFTOOL`. One that was built
 * with libbfd lists machine code, too (Debian's was not).
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { exec, modelOf } from '../../src/host/index.ts';
import { askedOf, normal, prepare, TRANSCRIPTS } from './transcript.ts';

const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

async function record(tool: string): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'ebpf-emu-record-'));
  try {
    for (const transcript of TRANSCRIPTS) {
      const out = join(directory, transcript.name);
      const script = askedOf(transcript).map((c) => `echo ${quoted(`$ bpftool ${c}`)}; ${tool} ${c}`);
      await exec(modelOf(await prepare(transcript)), {
        command: ['sh', '-c', `exec > ${quoted(out)}\n${script.join('\n')}`],
        env: process.env,
        atEnd: 'wait',
        say: console.error,
      });
      writeFileSync(new URL(`golden/${transcript.name}.txt`, import.meta.url), normal(readFileSync(out, 'utf8')));
    }
  } finally {
    rmSync(directory, { recursive: true });
  }
}
await record(process.argv[2] ?? 'bpftool');
