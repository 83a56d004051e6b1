/**
 * BPF trampolines of fentry, fexit, fmod_ret and LSM programs, as machine code at the function's nop
 * (Linux 6.12 arch/x86/net/bpf_jit_comp.c is where the frame's layout is decided):
 *
 *     rbp - 8         return value
 *     rbp - 8 - 8*n   arguments, ctx of the programs, the first one lowest
 *     below           number of arguments, traced ip, saved rbx, run_ctx
 */
import { type Addr, addrToBigInt } from '../../src/machine/addr.ts';
import { Assembler, at, GPR, type Label } from '../../src/x86/index.ts';
import { KernelError } from '../errno.ts';
import type { Kernel } from '../kernel.ts';
import type { Ftrace } from './ftrace.ts';
import type { ProbeLink, ProgRef, TrampolinePoint } from './types.ts';

const { rax, rcx, rdx, rbx, rsp, rbp, rsi, rdi, r8, r9 } = GPR;

const ARGS = [rdi, rsi, rdx, rcx, r8, r9] as const;
/** BPF_MAX_TRAMP_LINKS */
const MAX_LINKS = 38;

interface Attached {
  readonly prog: ProgRef;
  readonly point: TrampolinePoint;
}
interface Trampoline {
  readonly symbol: string;
  readonly entry: Addr;
  readonly nop: Addr;
  readonly before: Uint8Array;
  readonly id: string;
  readonly list: Attached[];
  image: Addr;
}

export class Trampolines {
  readonly #kernel: Kernel;
  readonly #ftrace: Ftrace;
  readonly #byNop = new Map<Addr, Trampoline>();
  constructor(kernel: Kernel, ftrace: Ftrace) {
    this.#kernel = kernel;
    this.#ftrace = ftrace;
  }

  attach(prog: ProgRef, point: TrampolinePoint): ProbeLink {
    const t = this.#target(point);
    if (t.list.length >= MAX_LINKS) throw new KernelError('E2BIG', `${t.symbol} has ${MAX_LINKS} programs already`);
    if (t.list.some((a) => a.prog.address === prog.address))
      throw new KernelError('EBUSY', `${prog.name} is attached to ${t.symbol} already`);
    const attached = { prog, point };
    t.list.push(attached);
    this.#update(t);
    const kernel = this.#kernel;
    return {
      kind: point.kind,
      symbol: t.symbol,
      address: t.nop,
      offset: t.nop - t.entry,
      before: t.before,
      after: kernel.text.read(t.nop, 5),
      via: 'direct',
      hits: undefined,
      detach: () => {
        const n = t.list.indexOf(attached);
        if (n < 0) return;
        t.list.splice(n, 1);
        this.#update(t);
      },
    };
  }

  #target(point: TrampolinePoint): Trampoline {
    const { symbols, text } = this.#kernel;
    let name: string;
    let entry: Addr;
    let nop: Addr | undefined;
    if (typeof point.target === 'string') {
      name = point.target;
      const symbol = symbols.find(name);
      if (!symbol || symbol.kind === 'd') {
        const near = symbols.near(name);
        throw new KernelError(
          'ENOENT',
          `no kernel function ${name}${near.length > 0 ? `; near it: ${near.join(', ')}` : ''}`,
        );
      }
      entry = symbol.address;
      nop = text.entryNop(symbol);
    } else {
      entry = point.target;
      const covering = symbols.at(entry);
      const symbol = covering && symbols.get(covering.name);
      name = covering?.name ?? 'bpf_prog';
      // an image of the JIT: endbr64, then the nop that is there for this
      nop = symbol?.kind !== undefined ? text.entryNop(symbol) : entry + 4;
    }
    if (nop === undefined) throw new KernelError('EINVAL', `${name} has no place for ftrace at its entry`);
    if (point.argSizes.length > 12) throw new KernelError('EINVAL', `${name} has more than 12 arguments`);
    let t = this.#byNop.get(nop);
    if (!t) {
      const before = text.read(nop, 5);
      const id = (((addrToBigInt(entry) * 0x9e3779b97f4a7c15n) >> 20n) & 0x1_ffff_ffffn).toString();
      t = { symbol: name, entry, nop, before, id, list: [], image: 0 };
      this.#byNop.set(nop, t);
    }
    return t;
  }

  /** A new image for the programs that there are now, and the function's nop calls it. */
  #update(t: Trampoline): void {
    const { bpfPack, symbols, machine, faults } = this.#kernel;
    void faults;
    const old = t.image;
    if (t.list.length === 0) {
      this.#patch(t, 0);
      symbols.remove(`bpf_trampoline_${t.id}`);
      this.#byNop.delete(t.nop);
    } else {
      const size = this.#emit(t, t.nop).length;
      const image = bpfPack.alloc(size, 16);
      const bytes = this.#emit(t, image);
      bpfPack.write(image, bytes);
      symbols.add(`bpf_trampoline_${t.id}`, image, bytes.length, 'bpf');
      t.image = image;
      this.#patch(t, image);
    }
    if (old !== 0 && !machine.running) bpfPack.free(old);
  }
  #patch(t: Trampoline, image: Addr): void {
    this.#ftrace.setDirect(t.nop, image);
  }

  #emit(t: Trampoline, origin: Addr): Uint8Array {
    const { structs } = this.#kernel;
    const emitContext = this.#kernel.text.emitContext();
    const sizes = t.list[0]?.point.argSizes ?? [];
    // structures of up to 16 bytes take two places
    const places = sizes.reduce((n, size) => n + Math.max(1, Math.ceil(size / 8)), 0);
    const regs = Math.min(places, 6);
    const entry = t.list.filter((a) => a.point.kind === 'fentry');
    const modify = t.list.filter((a) => a.point.kind === 'fmod_ret' || a.point.kind === 'lsm');
    const exit = t.list.filter((a) => a.point.kind === 'fexit');
    const callsOriginal = exit.length > 0 || modify.length > 0;
    const runCtxSize = Math.ceil(structs.of('bpf_tramp_run_ctx').size / 8) * 8;
    const ret = -8;
    const args = ret - 8 * places;
    const count = args - 8;
    const ip = count - 8;
    const savedBx = ip - 8;
    const runCtx = savedBx - runCtxSize;
    const onStack = callsOriginal ? Math.max(0, places - 6) : 0;
    const frame = Math.ceil((-runCtx + 8 * onStack) / 16) * 16;

    const a = new Assembler(origin);
    a.op('push r64', rbp);
    a.op('mov r/m64, r64', rbp, rsp);
    a.op('sub r/m64, imm32', rsp, frame);
    a.op('mov r/m64, imm32', at(rbp, count), places);
    a.op('mov r64, r/m64', rax, at(rbp, 8));
    a.op('sub r/m64, imm8', rax, t.nop - t.entry + 5);
    a.op('mov r/m64, r64', at(rbp, ip), rax);
    a.op('mov r/m64, r64', at(rbp, savedBx), rbx);
    for (let n = 0; n < regs; n++) a.op('mov r/m64, r64', at(rbp, args + 8 * n), ARGS[n] as number);
    for (let n = 6; n < places; n++) {
      // behind rbp: this return address, the function's own, then its stack arguments
      a.op('mov r64, r/m64', rax, at(rbp, 24 + 8 * (n - 6)));
      a.op('mov r/m64, r64', at(rbp, args + 8 * n), rax);
    }

    const run = (list: readonly Attached[], keep: boolean, fail?: Label): void => {
      for (const { prog, point } of list) {
        const sleep = prog.sleepable ? '_sleepable' : '';
        const recur = point.kind === 'lsm' ? '' : '_recur';
        const skip = a.label();
        if (point.cookie !== undefined) {
          a.op('mov r64, imm64', rax, point.cookie);
          a.op('mov r/m64, r64', at(rbp, runCtx + structs.of('bpf_tramp_run_ctx').offset('bpf_cookie')), rax);
        } else a.op('mov r/m64, imm32', at(rbp, runCtx + structs.of('bpf_tramp_run_ctx').offset('bpf_cookie')), 0);
        a.op('mov r64, imm64', rdi, addrToBigInt(prog.address));
        a.op('lea r64, m', rsi, at(rbp, runCtx));
        a.op('call rel32', emitContext.sym(`__bpf_prog_enter${sleep}${recur}`));
        a.op('mov r/m64, r64', rbx, rax);
        a.op('test r/m64, r64', rax, rax);
        a.op('je rel8', skip);
        a.op('lea r64, m', rdi, at(rbp, args));
        if (prog.jited === false)
          a.op('mov r64, imm64', rsi, addrToBigInt(prog.address + structs.of('bpf_prog').offset('insnsi')));
        a.op('call rel32', prog.entry);
        if (keep) a.op('mov r/m64, r64', at(rbp, ret), rax);
        a.bind(skip);
        a.op('mov r64, imm64', rdi, addrToBigInt(prog.address));
        a.op('mov r/m64, r64', rsi, rbx);
        a.op('lea r64, m', rdx, at(rbp, runCtx));
        a.op('call rel32', emitContext.sym(`__bpf_prog_exit${sleep}${recur}`));
        if (fail) {
          a.op('cmp r/m64, imm8', at(rbp, ret), 0);
          a.op('jne rel32', fail);
        }
      }
    };
    const restore = (): void => {
      for (let n = 0; n < regs; n++) a.op('mov r64, r/m64', ARGS[n] as number, at(rbp, args + 8 * n));
    };

    run(entry, false);
    if (callsOriginal) {
      const afterCall = a.label();
      if (modify.length > 0) {
        a.op('xor r/m32, r32', rax, rax);
        a.op('mov r/m64, r64', at(rbp, ret), rax);
        run(modify, true, afterCall);
      }
      restore();
      for (let n = 0; n < onStack; n++) {
        a.op('mov r64, r/m64', rax, at(rbp, args + 8 * (6 + n)));
        a.op('mov r/m64, r64', at(rsp, 8 * n), rax);
      }
      a.op('call rel32', t.nop + 5);
      a.op('mov r/m64, r64', at(rbp, ret), rax);
      a.bind(afterCall);
      run(exit, false);
      a.op('mov r64, r/m64', rax, at(rbp, ret));
      a.op('mov r64, r/m64', rbx, at(rbp, savedBx));
      a.op('leave');
      // past the address inside the function: back to its caller
      a.op('add r/m64, imm8', rsp, 8);
      a.op('ret');
    } else {
      restore();
      a.op('mov r64, r/m64', rbx, at(rbp, savedBx));
      a.op('leave');
      a.op('ret');
    }
    a.op('int3');
    return a.bytes();
  }
}
