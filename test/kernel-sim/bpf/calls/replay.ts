/** Runs scripts of a golden in the model, and says where the answers differ from the real kernel's. */
import { errnoName } from '../../../../src/errors/errno.ts';
import { BpfError, type Kernel } from '../../../../src/index.ts';
import { PACKETS } from './packets.ts';
import { answer, compile, parseScript, VALUE_SIZE } from './script.ts';

/** BPF_F_SLEEPABLE */
const SLEEPABLE = 16;
const hex = (b: Uint8Array): string => Buffer.from(b).toString('hex');

function run(kernel: Kernel, line: string): string {
  const script = parseScript(line);
  const made = compile(script);
  const packet = PACKETS[script.packet] as string;
  const map = kernel.bpf.mapCreate({ type: 'array', keySize: 4, valueSize: VALUE_SIZE, maxEntries: 1 });
  map.update(0, made.before);
  const insns = made.insns.slice();
  const view = new DataView(insns.buffer);
  for (let at = 0; at < insns.length; at += 8) {
    if (insns[at] !== 0x18) continue;
    if ((insns[at + 1] as number) >> 4 !== 0) view.setInt32(at + 4, map.fd, true);
    at += 8;
  }
  let isLoaded = false;
  try {
    const flags = script.type === 'syscall' ? SLEEPABLE : 0;
    const prog = kernel.bpf.progLoad({ type: script.type, insns, license: 'GPL', flags });
    isLoaded = true;
    const data = packet === '' ? { ctxIn: new Uint8Array(96) } : { dataIn: new Uint8Array(Buffer.from(packet, 'hex')) };
    const out = prog.testRun(data);
    prog.close();
    return answer(made, map.lookup(0) as Uint8Array, packet, hex(out.dataOut));
  } catch (error) {
    if (!(error instanceof BpfError)) throw error;
    return `${isLoaded ? 'run ' : ''}${error.errno}${error.errno === 'EFAULT' ? ` ${error.message}` : ''}`;
  } finally {
    map.close();
  }
}

const named = (want: string): string =>
  want.replace(/^(run )?(\d+)$/, (_, run: string | undefined, n: string) => `${run ?? ''}${errnoName(Number(n))}`);

export function differences(kernel: Kernel, golden: string): string[] {
  const lines = golden.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  const wrong: string[] = [];
  for (let n = 0; n + 1 < lines.length; n += 2) {
    const [line, want] = [lines[n] as string, named((lines[n + 1] as string).trim())];
    const got = run(kernel, line);
    if (got !== want) wrong.push(`${line}\n  model ${got}\n  Linux ${want}`);
  }
  return wrong;
}
