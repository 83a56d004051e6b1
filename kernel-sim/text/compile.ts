/**
 * From a function table row to machine code, in the shape that gcc gives a Linux function:
 * the entry that ftrace can patch, a frame, callee-saved registers, calls, return.
 *
 * Frames keep rbp (the real kernel unwinds by ORC tables instead), so that a stack walk needs no tables.
 */

import type { Addr } from '../../src/machine/addr.ts';
import { Assembler, at, GPR, type Label, mem } from '../../src/x86/index.ts';
import type { Structs } from '../core/structs.ts';
import type { Flag, FunctionBody, Operand, Statement } from './language.ts';
import { maybeUnset } from './unset.ts';

const { rax, rcx, rdx, rbx, rsp, rbp, rsi, rdi, r8, r9, r12, r13, r14, r15 } = GPR;

/** How a function begins: `endbr64`, the nop that replaced it where nobody takes its address, or neither. */
export type Prologue = 'endbr' | 'sealed' | 'bare';

/** A tracepoint site: the 5-byte nop that becomes a jump to the out-of-line part when the event is enabled. */
export interface TraceSite {
  readonly event: string;
  readonly at: Addr;
  readonly outOfLine: Addr;
}

export interface Compiled {
  readonly bytes: Uint8Array;
  readonly sites: readonly TraceSite[];
}

/** What code refers to. */
export interface CompileTarget {
  /** text address of a callee; undefined: this kernel has no such symbol, the call is left out as if inlined */
  address(callee: string): Addr | undefined;
  /** whether a callee returns int: the upper half of rax is no part of its value */
  returnsInt(callee: string): boolean;
  /** number of a hypercall */
  hypercall(name: string): number;
  /** machine code in a hypercall's place; false: there is none */
  inline(name: string, a: Assembler): boolean;
  /** `__traceiter_EVENT`; undefined: not in this kernel */
  traceiter(event: string): Addr | undefined;
  readonly structs: Structs;
  /** per-CPU offsets */
  readonly percpu: {
    readonly result: number;
    readonly block: number;
    readonly currentTask: number;
    readonly preemptCount: number;
  };
}

const ARGS = [rdi, rsi, rdx, rcx, r8, r9] as const;
const SAVED = [rbx, r12, r13, r14, r15] as const;

/** 4 bytes at the symbol, or none */
const PROLOGUE: Readonly<Record<Prologue, readonly number[]>> = {
  endbr: [0xf3, 0x0f, 0x1e, 0xfa],
  sealed: [0x66, 0x0f, 0x1f, 0x00],
  bare: [],
};

/** `%gs:offset(%rip)`, as the kernel addresses per-CPU variables. */
export const percpuMem = (offset: number) => mem({ target: offset, segment: 'gs' });

/** Entry of a function that ftrace may patch. */
export function emitEntry(a: Assembler, prologue: Prologue): void {
  const bytes = PROLOGUE[prologue];
  if (bytes.length > 0) a.raw(...bytes);
  a.raw(0x0f, 0x1f, 0x44, 0x00, 0x00);
}

/** `mov $n, %reg` in its shortest common form. */
export function emitConst(a: Assembler, reg: number, n: number): void {
  if (n === 0) a.op('xor r/m32, r32', reg, reg);
  else if (n > 0 && n <= 0xffff_ffff) a.op('mov r32, imm32', reg, n);
  else a.op('mov r/m64, imm32', reg, n);
}

/** buffers of twice the room of the others, 128 bytes: a `struct sockaddr_storage`, a `struct rate_sample` */
const WIDE: readonly string[] = ['address', 'rate'];
/** BPF's hooks are functions of this prefix (include/linux/bpf_lsm.h). */
export const LSM_HOOK = 'bpf_lsm_';

/** What follows the call of a hook of the LSM: `fine` where it said yes; else its error, in rax, is the system call's result, and who listens is told. */
export function emitRefusal(a: Assembler, result: number, refused: number, fine: Label): void {
  a.op('movsxd r64, r/m32', rax, rax);
  a.op('test r/m64, r64', rax, rax);
  a.op('jns rel32', fine);
  a.op('mov r/m64, r64', percpuMem(result), rax);
  // the recording may say something else
  a.op('push r64', rax).op('mov r64, r/m64', rdi, rax);
  a.op('mov r32, imm32', rax, refused).op('vmcall');
  a.op('pop r64', rax);
  a.op('mov r/m32, r32', rax, rax);
}

/** `entry` false: only the body, which the entry jumps to. */
export function compile(
  body: FunctionBody,
  origin: Addr,
  prologue: Prologue | 'plain' | 'none',
  entry: boolean,
  target: CompileTarget,
): Compiled {
  const a = new Assembler(origin);
  if (entry && prologue === 'plain') a.op('endbr64');
  else if (entry && prologue !== 'none' && prologue !== 'plain') emitEntry(a, prologue);
  const outOfLine: { event: string; at: number; emit: () => void; start: number }[] = [];
  const statements = body.statements.filter(
    (s) => !(s.kind === 'call' && target.address(s.target) === undefined && s.to === undefined),
  );
  const leaf = statements.every((s) => s.kind === 'return');

  if (leaf) {
    const ret = statements.find((s) => s.kind === 'return');
    emitLeafReturn(a, body, ret, target);
    a.raw(0xc3);
    return { bytes: padded(a), sites: [] };
  }

  const tail = tailCall(body, statements, target);
  if (tail !== undefined) {
    for (let n = tail.args.length - 1; n >= 0; n--) {
      const o = tail.args[n] as Operand;
      if (o.kind === 'number') emitConst(a, ARGS[n] as number, o.value);
      else if (o.kind === 'field') {
        emitField(a, ARGS[n] as number, body.types.get(o.base) as string, o.path, target.structs, rdi);
      }
    }
    a.op('jmp rel32', tail.to);
    return { bytes: padded(a), sites: [] };
  }

  const used = new Set<string>();
  const buffers = new Map<string, number>();
  let lines = 0;
  const use = (o: Operand): void => {
    if (o.kind === 'buffer' && !buffers.has(o.name)) buffers.set(o.name, (lines += WIDE.includes(o.name) ? 2 : 1) - 1);
    if (o.kind === 'var') used.add(o.name);
    else if (o.kind === 'field') used.add(o.base);
  };
  for (const s of statements) {
    if (s.kind === 'return') use(s.value);
    else if (s.kind === 'flag' && s.what === 'irqsave') used.add(SAVED_FLAGS);
    else if (s.kind === 'store') {
      use(s.value);
      use({ kind: 'buffer', name: s.buffer });
    } else if (s.kind === 'again') use(s.unlessZero);
    else if (s.kind !== 'flag' && s.kind !== 'block' && s.kind !== 'loop') {
      s.args.forEach(use);
      if (s.unlessZero) use(s.unlessZero);
      if (s.kind === 'indirect') use({ kind: 'var', name: s.target });
    }
  }
  // homes: callee-saved registers first, then slots below them
  const home = new Map<string, { reg: number } | { slot: number }>();
  const names = [
    ...body.params,
    ...statements.flatMap((s) => ('to' in s && s.to !== undefined ? [s.to] : [])),
    SAVED_FLAGS,
  ];
  let slots = 0;
  const saved: number[] = [];
  for (const name of names) {
    if (!used.has(name) || home.has(name)) continue;
    const reg = SAVED[saved.length];
    if (reg !== undefined) {
      saved.push(reg);
      home.set(name, { reg });
    } else home.set(name, { slot: slots++ });
  }
  const variableSlots = slots;
  slots += 8 * lines;
  /** lowest byte of a buffer */
  const bufferMem = (name: string, offset: number) =>
    at(rbp, -8 * (saved.length + variableSlots) - 64 * ((buffers.get(name) as number) + 1) + offset);
  const slotMem = (slot: number) => at(rbp, -8 * (saved.length + 1 + slot));
  const load = (reg: number, name: string): void => {
    const h = home.get(name);
    if (!h) return;
    if ('reg' in h) a.op('mov r/m64, r64', reg, h.reg);
    else a.op('mov r64, r/m64', reg, slotMem(h.slot));
  };
  const store = (name: string, reg: number): void => {
    const h = home.get(name);
    if (!h) return;
    if ('reg' in h) a.op('mov r/m64, r64', h.reg, reg);
    else a.op('mov r/m64, r64', slotMem(h.slot), reg);
  };
  const value = (reg: number, o: Operand): void => {
    switch (o.kind) {
      case 'number':
        emitConst(a, reg, o.value);
        break;
      case 'result':
        a.op('mov r64, r/m64', reg, percpuMem(target.percpu.result));
        break;
      case 'current':
        a.op('mov r64, r/m64', reg, percpuMem(target.percpu.currentTask));
        break;
      case 'var':
        load(reg, o.name);
        break;
      case 'buffer':
        a.op('lea r64, m', reg, bufferMem(o.name, 0));
        break;
      case 'field': {
        if (o.base === 'current') a.op('mov r64, r/m64', reg, percpuMem(target.percpu.currentTask));
        else load(reg, o.base);
        emitField(a, reg, body.types.get(o.base) ?? 'task_struct', o.path, target.structs);
        break;
      }
    }
  };

  a.op('push r64', rbp);
  a.op('mov r/m64, r64', rbp, rsp);
  for (const reg of saved) a.op('push r64', reg);
  if (slots > 0) a.op(slots < 16 ? 'sub r/m64, imm8' : 'sub r/m64, imm32', rsp, 8 * slots);
  body.params.forEach((name, n) => {
    const reg = ARGS[n];
    if (reg !== undefined) store(name, reg);
  });
  const unset = maybeUnset(body);
  if (unset.size > 0) a.op('xor r/m32, r32', rax, rax);
  for (const name of unset) store(name, rax);

  const epilogue = (): void => {
    if (slots > 0) a.op('lea r64, m', rsp, at(rbp, -8 * saved.length));
    for (const reg of saved.toReversed()) a.op('pop r64', reg);
    a.op('pop r64', rbp);
    a.raw(0xc3);
  };

  let returned = false;
  const loop = a.label();
  for (const s of statements) {
    switch (s.kind) {
      case 'loop':
        a.bind(loop);
        break;
      case 'again':
        value(rax, s.unlessZero);
        a.op('test r/m64, r64', rax, rax);
        a.op('jne rel32', loop);
        break;
      case 'block': {
        // waits where the recording says that the call did not return at once
        const go = a.label();
        a.op('mov r32, r/m32', rax, percpuMem(target.percpu.block));
        a.op('test r/m32, r32', rax, rax);
        a.op('je rel8', go);
        emitSleep(a, target);
        a.bind(go);
        break;
      }
      case 'flag':
        if (s.what === 'irqsave') {
          a.op('pushfq').op('pop r64', rax);
          store(SAVED_FLAGS, rax);
          a.op('cli');
        } else if (s.what === 'irqrestore') {
          load(rax, SAVED_FLAGS);
          a.op('push r64', rax).op('popfq');
        } else emitFlag(a, s.what, target);
        break;
      case 'store':
        value(rax, s.value);
        a.op('mov r/m64, r64', bufferMem(s.buffer, s.offset), rax);
        break;
      case 'return':
        if (s.orResult) {
          // an error goes through: ERR_PTR of the recorded result
          value(rax, { kind: 'result' });
          a.op('test r/m64, r64', rax, rax);
          const out = a.label();
          a.op('js rel8', out);
          value(rax, s.value);
          a.bind(out);
        } else value(rax, s.value);
        if (body.returnsInt) emitInt(a, s.value);
        epilogue();
        returned = true;
        break;
      case 'call':
      case 'indirect':
      case 'hyper':
      case 'hook':
      case 'trace': {
        const skip = a.label();
        if (s.when !== 'always') {
          a.op('cmp r/m64, imm8', percpuMem(target.percpu.result), 0);
          a.op(s.when === 'ok' ? 'jl rel32' : 'jge rel32', skip);
        }
        if (s.unlessZero) {
          value(rax, s.unlessZero);
          a.op('test r/m64, r64', rax, rax);
          a.op('je rel32', skip);
        }
        if (s.kind === 'trace') {
          const iter = target.traceiter(s.target);
          if (iter !== undefined) {
            const site = a.here;
            a.raw(0x0f, 0x1f, 0x44, 0x00, 0x00);
            const back = a.bind();
            const args = s.args;
            const entry = { event: s.target, at: site, start: 0, emit: () => {} };
            entry.emit = () => {
              entry.start = a.here;
              // include/linux/tracepoint.h, __DO_TRACE: probes run with preemption off
              emitFlag(a, 'preempt+', target);
              for (const [n, o] of args.entries()) value(ARGS[n + 1] as number, o);
              emitConst(a, rdi, 0);
              a.op('call rel32', iter);
              emitFlag(a, 'preempt-', target);
              a.op('jmp rel32', back);
            };
            outOfLine.push(entry);
          }
        } else {
          for (const [n, o] of s.args.entries()) value(ARGS[n] as number, o);
          const callee =
            s.kind === 'call' ? target.address(s.target) : s.kind === 'hook' ? target.address(LSM_HOOK + s.target) : 0;
          if (s.kind === 'indirect') {
            load(rax, s.target);
            a.op('test r/m64, r64', rax, rax);
            a.op('je rel32', skip);
            a.op('call r/m64', rax);
          } else if (s.kind === 'hyper') {
            if (!target.inline(s.target, a)) {
              a.op('mov r32, imm32', rax, target.hypercall(s.target));
              a.op('vmcall');
            }
          } else if (callee !== undefined) a.op('call rel32', callee);
          else emitConst(a, rax, 0);
          if (s.kind === 'hook') {
            const fine = a.label();
            emitRefusal(a, target.percpu.result, target.hypercall('lsm_refused'), fine);
            epilogue();
            a.bind(fine);
          }
          if (s.kind === 'call' && s.to !== undefined && target.returnsInt(s.target))
            a.op('movsxd r64, r/m32', rax, rax);
        }
        // what is not called where a value is 0 gives that 0
        const orZero = s.when === 'always';
        if (orZero) a.bind(skip);
        if (s.kind !== 'trace' && s.to !== undefined) store(s.to, rax);
        if (!orZero) a.bind(skip);
        break;
      }
    }
  }
  if (!returned) {
    a.op('xor r/m32, r32', rax, rax);
    epilogue();
  }
  for (const o of outOfLine) o.emit();
  return { bytes: padded(a), sites: outOfLine.map((o) => ({ event: o.event, at: o.at, outOfLine: o.start })) };
}

/** `n = callee(regs->di, ...); return n`: registers loaded from the only parameter, the last one over itself, and a jump. */
function tailCall(
  body: FunctionBody,
  statements: readonly Statement[],
  target: CompileTarget,
): { to: Addr; args: readonly Operand[] } | undefined {
  const [call, ret] = statements;
  if (
    statements.length !== 2 ||
    body.params.length !== 1 ||
    call?.kind !== 'call' ||
    call.when !== 'always' ||
    call.unlessZero
  )
    return undefined;
  if (ret?.kind !== 'return' || ret.orResult || ret.value.kind !== 'var' || ret.value.name !== call.to)
    return undefined;
  // an int must be extended first
  if (!body.returnsInt && target.returnsInt(call.target)) return undefined;
  const to = target.address(call.target);
  const fit = call.args.every((o) => o.kind === 'number' || (o.kind === 'field' && o.base === body.params[0]));
  return to !== undefined && fit ? { to, args: call.args } : undefined;
}

function emitLeafReturn(a: Assembler, body: FunctionBody, ret: Statement | undefined, target: CompileTarget): void {
  const value = ret?.kind === 'return' ? ret.value : ({ kind: 'number', value: 0 } as const);
  if (value.kind === 'result') a.op('mov r64, r/m64', rax, percpuMem(target.percpu.result));
  else if (value.kind === 'current') a.op('mov r64, r/m64', rax, percpuMem(target.percpu.currentTask));
  else if (value.kind === 'buffer') emitConst(a, rax, 0);
  else if (value.kind === 'number') emitConst(a, rax, value.value);
  else {
    const variable = value.kind === 'field' ? value.base : value.name;
    a.op('mov r/m64, r64', rax, ARGS[body.params.indexOf(variable)] as number);
    if (value.kind === 'field') emitField(a, rax, body.types.get(variable) as string, value.path, target.structs);
  }
  if (body.returnsInt) emitInt(a, value);
}
/** Leaves of the returned value in rax what compiled code leaves of an int: its 32 bits, and zeros. */
function emitInt(a: Assembler, value: Operand): void {
  if (value.kind !== 'number' || value.value < 0) a.op('mov r/m32, r32', rax, rax);
}

/** `reg = base->path`, with the field's own width, zero-extended. */
export function emitField(a: Assembler, reg: number, struct: string, path: string, structs: Structs, base = reg): void {
  if (!structs.has(struct) || !structs.of(struct).has(path)) {
    emitConst(a, reg, 0);
    return;
  }
  const f = structs.of(struct).field(path);
  // a null pointer stays null: the model does not know every object that the recording touched
  const none = a.label();
  const checked = struct !== 'pt_regs' && struct !== 'task_struct';
  if (checked) {
    if (base !== reg) a.op('mov r/m64, r64', reg, base);
    a.op('test r/m64, r64', reg, reg);
    a.op('je rel8', none);
  }
  const where = at(base, f.offset);
  if (f.size === 8) a.op('mov r64, r/m64', reg, where);
  else if (f.size === 4) a.op('mov r32, r/m32', reg, where);
  else if (f.size === 2) a.op('movzx r32, r/m16', reg, where);
  else if (f.size === 1) a.op('movzx r32, r/m8', reg, where);
  else a.op('lea r64, m', reg, where);
  a.bind(none);
}

/** SOFTIRQ_DISABLE_OFFSET, SOFTIRQ_OFFSET and HARDIRQ_OFFSET of include/linux/preempt.h */
const COUNTS: Readonly<Partial<Record<Flag, number>>> = {
  'bh+': 0x200,
  'softirq+': 0x100,
  'softirq-': -0x100,
  'hardirq+': 0x10000,
  'hardirq-': -0x10000,
};
/** variable that holds rflags from `irqsave` to `irqrestore` */
const SAVED_FLAGS = 'flags saved by irqsave';

export function emitFlag(a: Assembler, what: Flag, target: Pick<CompileTarget, 'percpu'>): void {
  const count = COUNTS[what];
  if (what === 'irq-') a.op('cli');
  else if (what === 'irq+') a.op('sti');
  else if (count !== undefined) a.op('add r/m32, imm32', percpuMem(target.percpu.preemptCount), count);
  else a.op(what === 'preempt+' ? 'inc r/m32' : 'dec r/m32', percpuMem(target.percpu.preemptCount));
}

/** `set_current_state(eax); schedule()` */
function emitSleep(a: Assembler, target: CompileTarget): void {
  const schedule = target.address('schedule');
  if (schedule === undefined) return;
  a.op('mov r64, r/m64', rcx, percpuMem(target.percpu.currentTask));
  a.op('mov r/m32, r32', at(rcx, target.structs.offsets('task_struct', ['__state']).__state), rax);
  a.op('call rel32', schedule);
}

/** Linux fills with int3 behind a return. */
function padded(a: Assembler): Uint8Array {
  a.raw(0xcc);
  return a.bytes();
}
