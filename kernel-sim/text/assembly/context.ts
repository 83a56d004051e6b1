/** What hand-written kernel text refers to while it is emitted. */
import type { Addr } from '../../../src/machine/addr.ts';
import { type Assembler, at, mem, rbp, rsp } from '../../../src/x86/index.ts';
import type { MapLayout } from '../../core/map-layout.ts';

export interface EmitContext {
  /** symbol's address. @throws where the active kallsyms has none */
  sym(name: string): Addr;
  hypercall(name: string): number;
  /** address of a variable: its symbol's, or one of the model's own */
  data(name: string): Addr;
  /** layout of the structures that maps are made of */
  readonly maps: MapLayout;
  /** offset of `task_struct.__state` */
  readonly state: number;
  /** field offset by the active BTF */
  off(struct: string, path: string): number;
  sizeOf(struct: string): number;
  /** per-CPU offset of a static variable, or of one of the model's own */
  percpu(name: string): number;
  /** tells of a tracepoint site, or with EX_TABLE of a load that may fault and where it goes on then */
  site(event: string, at: Addr, outOfLine: Addr): void;
}

export type Emit = (a: Assembler, k: EmitContext) => void;

/** `%gs:variable(%rip)` */
export const percpu = (k: EmitContext, name: string, plus = 0) => mem({ target: k.percpu(name) + plus, segment: 'gs' });
/** `pcpu_hot.preempt_count` */
export const preempt = (k: EmitContext) => percpu(k, 'pcpu_hot', k.off('pcpu_hot', 'preempt_count'));
/** `add %gs:this_cpu_off, %reg`: this CPU's copy of what a per-CPU pointer points to */
export const addThisCpu = (a: Assembler, k: EmitContext, reg: number): Assembler =>
  a.op('add r64, r/m64', reg, percpu(k, 'this_cpu_off'));
/** `%gs:0(%reg)`: a per-CPU pointer in a register */
export const percpuAt = (reg: number) => mem({ base: reg, segment: 'gs', dispSize: 0 });

export function push(a: Assembler, ...regs: number[]): void {
  for (const r of regs) a.op('push r64', r);
}
/** Pops in reverse. */
export function pop(a: Assembler, ...regs: number[]): void {
  for (const r of regs.toReversed()) a.op('pop r64', r);
}
/** `push rbp; mov rbp, rsp` and callee-saved registers, then room for locals. */
export function enter(a: Assembler, saved: readonly number[] = [], room = 0): void {
  a.op('push r64', rbp);
  a.op('mov r/m64, r64', rbp, rsp);
  push(a, ...saved);
  if (room > 0) a.op(room < 128 ? 'sub r/m64, imm8' : 'sub r/m64, imm32', rsp, room);
}
export function leave(a: Assembler, saved: readonly number[] = [], room = 0): void {
  if (room > 0) a.op('lea r64, m', rsp, at(rbp, -8 * saved.length));
  pop(a, ...saved);
  a.op('pop r64', rbp);
  a.op('ret');
}
export const mov = (a: Assembler, to: number, from: number): Assembler => a.op('mov r/m64, r64', to, from);
export const load = (a: Assembler, to: number, base: number, disp: number): Assembler =>
  a.op('mov r64, r/m64', to, at(base, disp));
export const store = (a: Assembler, base: number, disp: number, from: number): Assembler =>
  a.op('mov r/m64, r64', at(base, disp), from);
/** `mov eax, nr; vmcall` */
export function hyper(a: Assembler, k: EmitContext, name: string): void {
  a.op('mov r32, imm32', 0, k.hypercall(name));
  a.op('vmcall');
}
/**
 * memcpy(to, from, count) of registers, which are all changed; eight bytes at a time, then what is left.
 * `onLoad` is called where a load is about to be emitted.
 */
export function copyBytes(
  a: Assembler,
  to: number,
  from: number,
  count: number,
  value: number,
  onLoad?: () => void,
): void {
  const tail = a.label();
  const done = a.label();
  const steps: readonly (readonly [size: number, load: string, store: string])[] = [
    [4, 'mov r32, r/m32', 'mov r/m32, r32'],
    [2, 'movzx r32, r/m16', 'mov r/m16, r16'],
    [1, 'movzx r32, r/m8', 'mov r/m8, r8'],
  ];
  a.op('cmp r/m32, imm8', count, 8).op('jb rel8', tail);
  const loop = a.bind();
  onLoad?.();
  load(a, value, from, 0);
  store(a, to, 0, value);
  a.op('add r/m64, imm8', from, 8).op('add r/m64, imm8', to, 8).op('sub r/m32, imm8', count, 8);
  a.op('cmp r/m32, imm8', count, 8).op('jae rel8', loop);
  a.bind(tail);
  for (const [size, read, write] of steps) {
    const skip = size === 1 ? done : a.label();
    a.op('test r/m8, imm8', count, size).op('je rel8', skip);
    onLoad?.();
    a.op(read, value, at(from, 0)).op(write, at(to, 0), value);
    if (size > 1) a.op('add r/m64, imm8', from, size).op('add r/m64, imm8', to, size);
    a.bind(skip);
  }
}
