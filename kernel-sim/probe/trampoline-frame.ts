/**
 * The frame of a BPF trampoline, and what its code does in it (Linux 6.12 arch/x86/net/bpf_jit_comp.c is where its layout
 * is decided):
 *
 *     rbp - 8   return value, where there is one to keep
 *     below     arguments, ctx of the programs, the first one lowest
 *     below     number of arguments; the function's address, where a program asks for it; saved rbx; run_ctx
 *     below     stack arguments of the function
 */
import { addrToBigInt } from '../../src/machine/addr.ts';
import { type Assembler, at, GPR, type Label } from '../../src/x86/index.ts';
import type { Structs } from '../core/structs.ts';
import type { ObjectFloor } from '../floors/objects.ts';
import type { ProgRef } from './types.ts';

const { rax, rcx, rdx, rbx, rsp, rbp, rsi, rdi, r8, r9 } = GPR;
const ARGS = [rdi, rsi, rdx, rcx, r8, r9] as const;

/** What the code keeps beside the arguments. */
export interface Kept {
  readonly ret: boolean;
  /** address of the function, which bpf_get_func_ip gives */
  readonly ip?: number | undefined;
  /** it calls the function itself, which has its stack arguments then */
  readonly callsOriginal: boolean;
}

/** One program's call. */
export interface ProgramCall {
  readonly prog: ProgRef;
  readonly cookie: bigint;
  /** `_recur`: a run inside of a run of the same program is left out */
  readonly guarded: boolean;
  /** what it returns is the return value */
  readonly keep: boolean;
  /** where to go where it returns other than 0 */
  readonly fail?: Label | undefined;
}

export class TrampolineFrame {
  readonly ret = -8;
  readonly #a: Assembler;
  readonly #sym: (name: string) => number;
  readonly #structs: Structs;
  readonly #kept: Kept;
  readonly #held: readonly number[];
  readonly #args: number;
  readonly #count: number;
  readonly #ip: number;
  readonly #savedBx: number;
  readonly #runCtx: number;
  readonly #size: number;

  /** @param sizes bytes of each argument: structures of up to 16 take two places */
  constructor(kernel: ObjectFloor, a: Assembler, sizes: readonly number[], kept: Kept) {
    this.#a = a;
    this.#kept = kept;
    this.#structs = kernel.structs;
    const emit = kernel.text.emitContext();
    this.#sym = (name) => emit.sym(name);
    this.#held = sizes.flatMap((size) => (size > 8 ? [8, 8] : [size]));
    const places = this.#held.length;
    this.#args = (kept.ret ? this.ret : 0) - 8 * places;
    this.#count = this.#args - 8;
    this.#ip = this.#count - (kept.ip === undefined ? 0 : 8);
    this.#savedBx = this.#ip - 8;
    this.#runCtx = this.#savedBx - Math.ceil(kernel.structs.of('bpf_tramp_run_ctx').size / 8) * 8;
    const onStack = kept.callsOriginal ? Math.max(0, places - 6) : 0;
    // rbp is 8 off a multiple of 16, which rsp has to be where the function has arguments on the stack
    this.#size = onStack === 0 ? -this.#runCtx : Math.ceil((-this.#runCtx + 8 * onStack - 8) / 16) * 16 + 8;
  }

  /** Makes the frame; the arguments are in it then. */
  begin(): void {
    const a = this.#a;
    const { ip } = this.#kept;
    a.op('push r64', rbp);
    a.op('mov r/m64, r64', rbp, rsp);
    a.op(this.#size < 128 ? 'sub r/m64, imm8' : 'sub r/m64, imm32', rsp, this.#size);
    a.op('mov r/m64, r64', at(rbp, this.#savedBx), rbx);
    a.op('mov r32, imm32', rax, this.#held.length);
    a.op('mov r/m64, r64', at(rbp, this.#count), rax);
    if (ip !== undefined) {
      a.op('mov r/m64, imm32', rax, ip | 0);
      a.op('mov r/m64, r64', at(rbp, this.#ip), rax);
    }
    for (let n = 0; n < this.#inRegisters; n++) a.op('mov r/m64, r64', at(rbp, this.#args + 8 * n), ARGS[n] as number);
    this.#copyStack(this.#args + 48);
  }
  get #inRegisters(): number {
    return Math.min(this.#held.length, 6);
  }
  /** behind rbp: this return address, the function's own, then its stack arguments; short ones leave the rest open */
  #copyStack(to: number): void {
    const a = this.#a;
    for (let n = 6; n < this.#held.length; n++) {
      a.op('mov r64, r/m64', rax, at(rbp, 24 + 8 * (n - 6)));
      a.op('mov r/m64, r64', at(rbp, to + 8 * (n - 6)), rax);
      if (this.#held[n]! <= 4) a.op('mov r/m32, imm32', at(rbp, to + 8 * (n - 6) + 4), 0);
    }
  }
  /** The arguments are where the function takes them. */
  restoreArguments(): void {
    for (let n = 0; n < this.#inRegisters; n++)
      this.#a.op('mov r64, r/m64', ARGS[n] as number, at(rbp, this.#args + 8 * n));
  }
  copyStackArguments(): void {
    this.#copyStack(-this.#size);
  }

  run({ prog, cookie, guarded, keep, fail }: ProgramCall): void {
    const a = this.#a;
    const sleep = prog.isShim ? '_lsm_cgroup' : prog.sleepable ? '_sleepable' : '';
    const recur = guarded ? '_recur' : '';
    const skip = a.label();
    this.#cookie(cookie);
    const runCtx = this.#structs.of('bpf_tramp_run_ctx');
    a.op('mov r/m64, r64', at(rbp, this.#runCtx + runCtx.offset('bpf_cookie')), rdi);
    a.op('mov r64, imm64', rdi, addrToBigInt(prog.address));
    a.op('lea r64, m', rsi, at(rbp, this.#runCtx));
    a.op('call rel32', this.#sym(`__bpf_prog_enter${sleep}${recur}`));
    a.op('mov r/m64, r64', rbx, rax);
    a.op('test r/m64, r64', rax, rax);
    a.op('je rel8', skip);
    a.op('lea r64, m', rdi, at(rbp, this.#args));
    if (prog.jited === false)
      a.op('mov r64, imm64', rsi, addrToBigInt(prog.address + this.#structs.of('bpf_prog').offset('insnsi')));
    a.op('call rel32', prog.entry);
    if (keep) a.op('mov r/m64, r64', at(rbp, this.ret), rax);
    a.bind(skip);
    a.op('mov r64, imm64', rdi, addrToBigInt(prog.address));
    a.op('mov r/m64, r64', rsi, rbx);
    a.op('lea r64, m', rdx, at(rbp, this.#runCtx));
    a.op('call rel32', this.#sym(`__bpf_prog_exit${sleep}${recur}`));
    if (fail) {
      a.op('cmp r/m64, imm8', at(rbp, this.ret), 0);
      a.op('jne rel32', fail);
    }
  }
  #cookie(value: bigint): void {
    const a = this.#a;
    if (value === 0n) a.op('xor r/m32, r32', rdi, rdi);
    else if (BigInt.asUintN(32, value) === value) a.op('mov r32, imm32', rdi, Number(value));
    else a.op('mov r64, imm64', rdi, value);
  }

  /** Leaves the frame. */
  end(): void {
    const a = this.#a;
    if (this.#kept.ret) a.op('mov r64, r/m64', rax, at(rbp, this.ret));
    a.op('mov r64, r/m64', rbx, at(rbp, this.#savedBx));
    a.op('leave');
  }
}
