/** BPF trampolines of fentry, fexit, fmod_ret and LSM programs, as machine code at the function's nop. */

import { nearIt } from '../../src/errors/near.ts';
import { type Addr, addrToBigInt } from '../../src/machine/addr.ts';
import { Assembler, at, GPR, type Label } from '../../src/x86/index.ts';
import { KernelError } from '../core/errno.ts';
import { capture, reinstate } from '../core/state.ts';
import { becameText } from '../data/renamed.ts';
import type { ObjectFloor } from '../floors/objects.ts';
import type { Ftrace } from './ftrace.ts';
import { TrampolineFrame } from './trampoline-frame.ts';
import type { ProbeLink, ProgRef, TrampolinePoint } from './types.ts';

const { rax, rsp, rbp, rdi } = GPR;
/** BPF_MAX_TRAMP_LINKS */
const MAX_LINKS = 38;
/** room of a `struct bpf_tramp_image` */
const TRAMP_IMAGE = 1024;
/** somewhere to emit for the length */
const TEXT_16 = 0xffff_ffff_c000_0000 - 2 ** 64;

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
  /** its `struct bpf_tramp_image` */
  im: Addr;
  /** where a task comes back from the function, and where it goes once the image is taken away (`ip_after_call`, `ip_epilogue`) */
  afterCall: Addr;
  epilogue: Addr;
}

export class Trampolines {
  readonly #kernel: ObjectFloor;
  readonly #ftrace: Ftrace;
  readonly #byNop = new Map<Addr, Trampoline>();
  constructor(kernel: ObjectFloor, ftrace: Ftrace) {
    this.#kernel = kernel;
    this.#ftrace = ftrace;
  }

  save() {
    return capture(this.#byNop);
  }
  restore(state: ReturnType<Trampolines['save']>): void {
    reinstate(state);
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
        throw new KernelError(
          'ENOENT',
          `no kernel function ${name}${becameText(name, (now) => symbols.find(now) !== undefined)}${nearIt(symbols.near(name))}`,
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
      // the function jumps to a program that took its place
      if (before[0] === 0xe9) throw new KernelError('EBUSY', `${name} is extended`);
      const id = (((addrToBigInt(entry) * 0x9e3779b97f4a7c15n) >> 20n) & 0x1_ffff_ffffn).toString();
      t = { symbol: name, entry, nop, before, id, list: [], image: 0, im: 0, afterCall: 0, epilogue: 0 };
      this.#byNop.set(nop, t);
    }
    return t;
  }

  /** A new image for the programs that there are now, and the function's nop calls it. */
  #update(t: Trampoline): void {
    const { bpfPack, symbols, slab } = this.#kernel;
    const { image: old, im: oldIm, afterCall, epilogue } = t;
    if (t.list.length === 0) {
      this.#patch(t, 0);
      symbols.remove(`bpf_trampoline_${t.id}`);
      this.#byNop.delete(t.nop);
    } else {
      const im = slab.kmalloc(TRAMP_IMAGE);
      const size = this.#emit(t, TEXT_16, im).length;
      const image = bpfPack.allocChunks(size);
      const bytes = this.#emit(t, image, im);
      t.im = im;
      bpfPack.write(image, bytes);
      symbols.add(`bpf_trampoline_${t.id}`, image, bytes.length, 'bpf');
      t.image = image;
      this.#patch(t, image);
    }
    if (old === 0) return;
    this.#leave(afterCall, epilogue);
    this.#kernel.rcu.callTasks(() => {
      bpfPack.free(old);
      slab.kfree(oldIm);
    });
  }
  /** `bpf_tramp_image_put`: tasks that are inside of the function run no program when they come back. */
  #leave(afterCall: Addr, epilogue: Addr): void {
    if (afterCall === 0) return;
    this.#kernel.machine.patch(afterCall, new Assembler(afterCall).op('jmp rel32', epilogue).bytes());
  }
  #patch(t: Trampoline, image: Addr): void {
    this.#ftrace.setDirect(t.nop, image);
  }

  #emit(t: Trampoline, origin: Addr, im: Addr): Uint8Array {
    const kernel = this.#kernel;
    const entry = t.list.filter((a) => a.point.kind === 'fentry');
    const modify = t.list.filter((a) => a.point.kind === 'fmod_ret' || a.point.kind === 'lsm');
    const exit = t.list.filter((a) => a.point.kind === 'fexit');
    const callsOriginal = exit.length > 0 || modify.length > 0;
    const wantsIp = t.list.some((a) => a.prog.getsFuncIp);
    const a = new Assembler(origin);
    const frame = new TrampolineFrame(kernel, a, t.list[0]?.point.argSizes ?? [], {
      ret: callsOriginal,
      ip: wantsIp ? t.entry : undefined,
      callsOriginal,
    });
    t.afterCall = 0;
    frame.begin();
    const image = (call: string): void => {
      a.op('mov r64, imm64', rdi, addrToBigInt(im));
      a.op('call rel32', kernel.text.emitContext().sym(call));
    };
    const run = (list: readonly Attached[], keep: boolean, fail?: Label): void => {
      for (const { prog, point } of list)
        frame.run({ prog, cookie: point.cookie ?? 0n, guarded: point.kind !== 'lsm', keep, fail });
    };
    if (callsOriginal) image('__bpf_tramp_enter');
    run(entry, false);
    if (!callsOriginal) {
      frame.restoreArguments();
      frame.end();
      a.op('ret');
      a.op('int3');
      return a.bytes();
    }
    const afterCall = a.label();
    if (modify.length > 0) {
      a.op('xor r/m32, r32', rax, rax);
      a.op('mov r/m64, r64', at(rbp, frame.ret), rax);
      run(modify, true, afterCall);
    }
    frame.restoreArguments();
    frame.copyStackArguments();
    a.op('call rel32', t.nop + 5);
    a.op('mov r/m64, r64', at(rbp, frame.ret), rax);
    t.afterCall = a.here;
    a.nops(5);
    if (modify.length > 0) a.nops(-a.here & 15);
    a.bind(afterCall);
    run(exit, false);
    t.epilogue = a.here;
    image('__bpf_tramp_exit');
    frame.end();
    // past the address inside the function: back to its caller
    a.op('add r/m64, imm8', rsp, 8);
    a.op('ret');
    a.op('int3');
    return a.bytes();
  }
}
