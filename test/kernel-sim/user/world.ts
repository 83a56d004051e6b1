/** Programs of fixtures/user in a kernel, with BPF objects on them. */
import { readFileSync } from 'node:fs';
import { Kernel, type ProgramStreams } from '../../../kernel-sim/index.ts';
import { BpfObject } from '../../../src/object/index.ts';

const folder = new URL('../../../fixtures/user/', import.meta.url);
export const userFile = (name: string): Uint8Array => new Uint8Array(readFileSync(new URL(name, folder)));
export const home = (name: string): string => `/home/demo/${name}`;

/** A kernel whose user space has the programs, as the recordings of the real kernel had them. */
export async function worldWith(options: Parameters<typeof Kernel.boot>[0] = {}): Promise<Kernel> {
  const kernel = await Kernel.boot(options);
  for (const name of ['steps', 'probes']) kernel.root.add(home(name), userFile(name), 0o755);
  kernel.root.add('/etc/hostname', Buffer.from('demo\n'));
  return kernel;
}
export const load = (kernel: Kernel, object: string) =>
  BpfObject.open(userFile(`${object}.bpf.o`), { name: `${object}.bpf.o` }).load(kernel);

/** What a program wrote, by descriptor. */
export function captured(): { streams: ProgramStreams; text: (fd: 1 | 2) => string } {
  const out: Record<number, string> = { 1: '', 2: '' };
  return {
    streams: {
      read: () => new Uint8Array(0),
      write: (fd, bytes) => {
        out[fd] += Buffer.from(bytes).toString();
      },
    },
    text: (fd) => out[fd] as string,
  };
}

/** Lines of trace_pipe without what differs from run to run: pid, time, and whether another task waits. */
export const comparable = (text: string): string[] =>
  text
    .split('\n')
    .filter((line) => line.includes('bpf_trace_printk'))
    .map((line) =>
      line
        .replace(/-\d+ +/, ' ')
        .replace(/([.d])N([.hsH])/, '$1.$2')
        .replace(/ +\d+\.\d+:/, ''),
    );
