/** Programs that need no verifier and no JIT: a `struct bpf_prog` whose image asks the test what to do. */
import type { Kernel, ProgRef } from '../../../kernel-sim/index.ts';
import { Assembler, rbp, rsp } from '../../../src/x86/index.ts';

let made = 0;

/** A program whose body is `run`; without one it prints its name with bpf_trace_printk. */
export function program(kernel: Kernel, name: string, run: () => void = () => kernel.trace.bpfPrintk(name)): ProgRef {
  const layout = kernel.structs.of('bpf_prog');
  const address = kernel.vmalloc.alloc(4096);
  const image = kernel.bpfPack.alloc(64);
  const nr = kernel.text.hypercall(`test ${made++}`, () => {
    kernel.args.retU32(0);
    run();
  });
  const a = new Assembler(image);
  a.op('endbr64').nops(5).op('push r64', rbp).op('mov r/m64, r64', rbp, rsp);
  a.op('mov r32, imm32', 0, nr).op('vmcall').op('leave').op('ret').op('int3');
  kernel.bpfPack.write(image, a.bytes());
  kernel.symbols.add(`bpf_prog_0123456789abcdef_${made}`, image, a.length, 'bpf');
  kernel.memory.writeAddr(address + layout.offset('bpf_func'), image);
  kernel.memory.writeU64(address + layout.offset('active'), BigInt(kernel.percpu.alloc(8)));
  return { address, entry: image, name };
}

/** A program of raw machine code. */
export function machineProgram(kernel: Kernel, name: string, emit: (a: Assembler) => void): ProgRef {
  const layout = kernel.structs.of('bpf_prog');
  const address = kernel.vmalloc.alloc(4096);
  const image = kernel.bpfPack.alloc(256);
  const a = new Assembler(image);
  emit(a);
  kernel.bpfPack.write(image, a.bytes());
  kernel.symbols.add(`bpf_prog_0123456789abcdef_${name}`, image, a.length, 'bpf');
  kernel.memory.writeAddr(address + layout.offset('bpf_func'), image);
  kernel.memory.writeU64(address + layout.offset('active'), BigInt(kernel.percpu.alloc(8)));
  return { address, entry: image, name };
}
