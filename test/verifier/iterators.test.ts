/** Where an iterator may lie on the stack: messages and errnos of Linux 6.12.117. */
import { beforeAll, expect, it } from 'vitest';
import { BpfError, Kernel } from '../../src/index.ts';
import { assemble, type Insn, writeInsns } from '../../src/isa/index.ts';

let kernel: Kernel;
beforeAll(async () => {
  kernel = await Kernel.boot();
});

/** The log's last message, and the errno. `kfunc NAME` in the text is a call. */
function refusal(text: string): string {
  const names: string[] = [];
  const source = text.replace(/kfunc (\w+)/g, (_, name: string) => {
    names.push(name);
    return 'call 1';
  });
  const insns = assemble(source).insns.map((i): Insn => {
    if (i.code !== 0x85) return i;
    const name = names.shift() as string;
    const id = [...kernel.btf.types()].find((type) => type.kind === 'func' && type.name === name)?.id ?? 0;
    return { ...i, src: 2, imm: id };
  });
  try {
    kernel.bpf.progLoad({ type: 'xdp', insns: writeInsns([...insns]), license: 'GPL', logLevel: 1 }).close();
    return 'accepted';
  } catch (error) {
    if (!(error instanceof BpfError)) throw error;
    return `${error.errno}: ${error.log.trimEnd().split('\n').at(-2)}`;
  }
}
const NEW = 'r2 = 0\nr3 = 8\nkfunc bpf_iter_num_new';
const NEXT = 'kfunc bpf_iter_num_next';
const END = 'r0 = 0\nexit';

it.each([
  // above the frame: the C division counts it to the first slot
  [`r1 = r10\n${NEW}\n${END}`, 'EACCES: invalid write to stack R1 off=0 size=8'],
  [`r1 = r10\nr1 += -72\n${NEW}\nr1 = r10\n${NEXT}\n${END}`, 'EINVAL: expected an initialized iter_num as arg #0'],
  [`r1 = r10\nr1 += -4\n${NEW}\n${END}`, 'EINVAL: expected uninitialized iter_num as arg #0'],
  [`r1 = r10\nr1 += -8\n${NEXT}\n${END}`, 'EINVAL: expected an initialized iter_num as arg #0'],
])('%#', (text, wanted) => {
  expect(refusal(text)).toBe(wanted);
});
