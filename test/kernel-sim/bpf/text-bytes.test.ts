/** Kernel text is there for whoever reads it, whether or not anything was executed of it yet. */
import { expect, it } from 'vitest';
import { Kernel } from '../../../kernel-sim/index.ts';
import { assemble, writeInsns } from '../../../src/isa/index.ts';

const DO_SYS_OPENAT2 = '0xffffffff81453d90';

it.each([
  // the first bytes of the function; 6.12.117 printed as many characters
  ['%pI4', '15.31.68.0'],
  ['%pi4', '015.031.068.000'],
])('%s prints it', async (format, text) => {
  const kernel = await Kernel.boot();
  const bytes = new Uint8Array(8);
  new TextEncoder().encodeInto(format, bytes);
  const word = new DataView(bytes.buffer).getBigUint64(0, true);
  const source = `
    r1 = 0x${word.toString(16)} ll
    *(u64 *)(r10 -8) = r1
    r1 = r10
    r1 += -8
    r2 = ${format.length + 1}
    r3 = ${DO_SYS_OPENAT2} ll
    call bpf_trace_printk#6
    exit`;
  const insns = writeInsns(assemble(source).insns);
  const prog = kernel.bpf.progLoad({ type: 'socket_filter', insns, license: 'GPL' });
  expect(prog.testRun({ dataIn: new Uint8Array(64) }).retval).toBe(text.length);
  expect(kernel.tracePipe.read()).toContain(`bpf_trace_printk: ${text}\n`);
});
