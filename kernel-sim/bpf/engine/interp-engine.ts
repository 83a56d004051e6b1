/**
 * Programs run by the BPF interpreter, reached as Linux reaches it (kernel/bpf/core.c): `bpf_func` is the
 * `__bpf_prog_run<stack size>` of kernel text, called with the context and the address of the instructions. A
 * function whose address a program takes has an entry of its own, which goes to `__bpf_prog_run_args<stack size>`.
 */
import { type Addr, addrHi, addrLo, addrOf } from '../../../src/machine/addr.ts';
import { GuestFault, MachineStop, RBP, RDX, RSP } from '../../../src/machine/index.ts';
import { Assembler, r9, rax, rbp, rdx, rsp } from '../../../src/x86/index.ts';
import { type Executor, PAUSED, suspend } from '../../core/pause.ts';
import { capture, reinstate, shallow } from '../../core/state.ts';
import type { Refault } from '../../fault/refault.ts';
import type { ObjectFloor } from '../../floors/objects.ts';
import { callbacks } from '../../text/assembly/callbacks.ts';
import { type BpfMap, ProgArrayMap } from '../maps/index.ts';
import { countedSlots } from '../prog/counted.ts';
import type { BpfProg, ProgCode } from '../prog/prog.ts';
import {
  type InterpEnv,
  type InterpProgram,
  Interpreter,
  InvalidInsnError,
  type Progress,
  predecode,
  SLOT_BYTES,
} from './interp/index.ts';

/** MAX_TAIL_CALL_CNT */
const MAX_TAIL_CALLS = 33;
/** cpu.regs index of the low halves of rdi, rsi, rdx, rcx, r8: R1 to R5 */
const ARGS = [14, 12, 4, 2, 16] as const;
const R10 = 20;

/** upper half of rax where an entry's hypercall is made again: its text leaves it zero */
const AGAIN = 1;

/** A function that the program called faulted: the registers are those of the fault. @internal becomes the fault of the guest */
class CalleeFault extends Error {}

/** Where a run may start: a program's function. */
interface Entry {
  readonly program: InterpProgram;
  readonly pc: number;
}

export class InterpEngine implements InterpEnv, Executor {
  readonly #kernel: ObjectFloor;
  readonly #interp: Interpreter;
  readonly #faults: Refault;
  readonly #mapAt: (addr: Addr) => BpfMap | undefined;
  readonly #entries = new Map<Addr, Entry>();
  readonly #progAt = new Map<Addr, InterpProgram>();
  readonly #callBase: bigint;
  #text: { run: Addr[]; args: Addr[]; answered: Addr } | undefined;
  /** addresses of helpers that call programs back */
  #callers: ReadonlySet<Addr> | undefined;
  pauseAt = Number.POSITIVE_INFINITY;
  readonly pausers = new Set<() => boolean>();
  constructor(kernel: ObjectFloor, callBase: bigint, mapAt: (addr: Addr) => BpfMap | undefined) {
    this.#kernel = kernel;
    this.#interp = new Interpreter(kernel.memory);
    this.#callBase = callBase;
    this.#faults = kernel.faults.refault;
    this.#mapAt = mapAt;
    const { machine } = kernel;
    this.#interp.onSlice = () => {
      if (machine.nested) return false;
      for (const asks of this.pausers) if (asks()) return true;
      return false;
    };
    machine.others = () => this.#interp.executed;
    // the hypercall that waits has not been made: suspend() takes it from the count
    this.#interp.pauseAt = () => (machine.nested ? Number.POSITIVE_INFINITY : this.pauseAt - (machine.insns - 1));
  }

  save() {
    return capture({
      interp: this.#interp,
      entries: shallow(this.#entries),
      progAt: shallow(this.#progAt),
      text: { made: this.#text },
    });
  }
  restore(state: ReturnType<InterpEngine['save']>): void {
    this.#text = reinstate(state).text.made;
  }
  abandon(): void {
    this.#interp.abandon();
  }

  /** Instructions of loaded programs executed since boot. */
  get executed(): number {
    return this.#interp.executed;
  }

  /** Stops a run when {@link executed} reaches `value`. */
  set limit(value: number) {
    this.#interp.limit = value;
  }
  get limit(): number {
    return this.#interp.limit;
  }

  /** Makes a program runnable: predecodes it, places entries for its functions, sets `bpf_func`. */
  install(prog: BpfProg): void {
    const { code } = prog.init;
    const counted = countedSlots(code);
    const insns = code.insns.map((i) => i);
    const text = this.#entryText();
    const step = (depth: number): number => Math.min(15, Math.max(0, Math.ceil(depth / 32) - 1));
    prog.placed = code.funcs.map((func, n) => {
      const insnsi = prog.insnsi + func.start * 8;
      const entry = (at: Addr): Uint8Array =>
        new Assembler(at)
          .raw(0xf3, 0x0f, 0x1e, 0xfa)
          .op('mov r64, imm64', r9, BigInt(insnsi))
          .op('jmp rel32', text.args[step(func.stackDepth)]!)
          .bytes();
      const length = entry(0xffff_ffff_8000_0000 - 2 ** 64).length;
      const address = this.#kernel.bpfPack.alloc(length);
      const bytes = entry(address);
      this.#kernel.bpfPack.write(address, bytes);
      const name = prog.symbol(n);
      this.#kernel.symbols.addText(name, address, length);
      prog.onFree.push(() => {
        this.#kernel.symbols.removeText(name, address);
        this.#kernel.bpfPack.free(address);
      });
      return { name, address, bytes, insnOffsets: new Uint32Array(0) };
    });
    resolveFunctionAddresses(insns, code.funcs, prog.placed);
    const program = predecode(this.#interp.zone, insns, code.funcs, this.#callBase, (slot) => counted[slot]! >= 0);
    prog.interp = program;
    code.funcs.forEach(({ start }) => {
      this.#entries.set(prog.insnsi + start * 8, { program, pc: program.code + start * SLOT_BYTES });
    });
    this.#progAt.set(prog.addr, program);
    prog.onFree.push(() => {
      for (const func of code.funcs) this.#entries.delete(prog.insnsi + func.start * 8);
      this.#progAt.delete(prog.addr);
      this.#interp.zone.free(program.code, program.slots);
    });
    prog.setEntry(prog.init.verified ? text.run[step(code.funcs[0]!.stackDepth)]! : prog.placed[0]!.address, 0);
  }

  /** Other code runs where the program's functions are entered, until what this gives is called; that gives what frees it. */
  divert(prog: BpfProg, code: ProgCode): () => () => void {
    const counted = countedSlots(code);
    const insns = code.insns.map((i) => i);
    resolveFunctionAddresses(insns, code.funcs, prog.placed);
    const { zone } = this.#interp;
    const program = predecode(zone, insns, code.funcs, this.#callBase, (slot) => counted[slot]! >= 0);
    const own = prog.interp;
    const enter = (to: InterpProgram, funcs: ProgCode['funcs']): void => {
      this.#progAt.set(prog.addr, to);
      prog.init.code.funcs.forEach(({ start }, n) => {
        this.#entries.set(prog.insnsi + start * 8, { program: to, pc: to.code + funcs[n]!.start * SLOT_BYTES });
      });
    };
    enter(program, code.funcs);
    return () => {
      if (own && this.#progAt.has(prog.addr)) enter(own, prog.init.code.funcs);
      return () => zone.free(program.code, program.slots);
    };
  }

  /** Kernel text of the interpreter's entries, one a stack size of 32 bytes to 512. */
  #entryText(): { run: Addr[]; args: Addr[]; answered: Addr } {
    if (this.#text) return this.#text;
    const { text } = this.#kernel;
    const byRun: number = text.hypercall('___bpf_prog_run', () => this.#enter(byRun, 12, 14));
    const byArgs: number = text.hypercall('___bpf_prog_run_args', () => this.#enter(byArgs, 18, -1));
    const byAnswer: number = text.hypercall('___bpf_prog_run_answered', () => this.#answered(byAnswer));
    const define = (name: string, size: number, nr: number): Addr =>
      text.define({
        name,
        code: (asm) => {
          asm.raw(0xf3, 0x0f, 0x1e, 0xfa);
          asm.op('push r64', rbp).op('mov r/m64, r64', rbp, rsp);
          asm.op('sub r/m64, imm32', rsp, size).op('mov r32, imm32', rax, nr).op('vmcall');
          asm.raw(0xc9, 0xc3, 0xcc);
        },
      });
    const sizes = Array.from({ length: 16 }, (_, i) => 32 * (i + 1));
    this.#text = {
      run: sizes.map((size) => define(`__bpf_prog_run${size}`, size, byRun)),
      args: sizes.map((size) => define(`__bpf_prog_run_args${size}`, size, byArgs)),
      // the model's own: where functions return to that were called without the interpreter around them
      answered: text.define({
        name: '___bpf_prog_run_answered',
        code: (asm) => {
          asm.op('mov r/m64, r64', rdx, rax).op('mov r32, imm32', rax, byAnswer).op('vmcall');
          asm.raw(0xc9, 0xc3, 0xcc);
        },
      }),
    };
    return this.#text;
  }

  /** Hypercall of the entries. One that is made again, as eax's upper half says, goes on with the run that waits. */
  #enter(nr: number, insnReg: number, ctxReg: number): void {
    const { regs } = this.#kernel.cpu;
    if (regs[1] === AGAIN && this.#interp.isPaused) this.#run(nr, () => this.#interp.resume(this));
    else this.#start(nr, insnReg, ctxReg);
  }
  /** Hypercall behind such a function: its answer is in rdx. */
  #answered(nr: number): void {
    const { regs } = this.#kernel.cpu;
    const [lo, hi] = [regs[2 * RDX]!, regs[2 * RDX + 1]!];
    if (regs[1] === AGAIN && this.#interp.isPaused) this.#run(nr, () => this.#interp.resume(this));
    else this.#run(nr, () => this.#interp.answer(lo, hi, this));
  }
  /** `insnReg` holds the instructions' address; `ctxReg`, where not negative, the only argument. */
  #start(nr: number, insnReg: number, ctxReg: number): void {
    const { cpu } = this.#kernel;
    const { regs } = cpu;
    const insnsi = addrOf(regs[insnReg]!, regs[insnReg + 1]!);
    const entry = this.#entries.get(insnsi);
    if (entry === undefined) throw new MachineStop('the interpreter was called on memory that holds no program');
    const frame = cpu.reg(RBP);
    const interp = this.#interp;
    interp.enter();
    this.#run(nr, () => {
      const R = interp.registers;
      for (let n = 0; n < (ctxReg >= 0 ? 1 : 5); n++) {
        R[2 + 2 * n] = regs[ARGS[n]!]!;
        R[3 + 2 * n] = regs[ARGS[n]! + 1]!;
      }
      R[R10] = addrLo(frame);
      R[R10 + 1] = addrHi(frame);
      return interp.run(entry.program, entry.pc, this);
    });
  }

  /** Runs, and answers the guest; or gives the CPU back to whoever runs the machine, and goes on when it does. */
  #run(nr: number, go: () => Progress): void {
    const interp = this.#interp;
    const { cpu, machine } = this.#kernel;
    let progress: Progress = 'done';
    try {
      progress = go();
      if (progress === 'done') {
        cpu.regs[0] = interp.registers[0]!;
        cpu.regs[1] = interp.registers[1]!;
      }
    } catch (error) {
      if (error instanceof GuestFault) this.#faults.raise(error);
      else if (error instanceof InvalidInsnError) this.#faults.invalid();
      // the guest goes on at the instruction that faulted, which does so again with nothing of the host around it
      else if (error instanceof CalleeFault) return;
      else throw error;
    } finally {
      if (progress === 'done') interp.leave();
    }
    if (progress !== 'paused') return;
    cpu.regs[0] = nr;
    cpu.regs[1] = AGAIN;
    suspend(machine, PAUSED);
  }

  /** Registers and stack as a call of a kernel function has them. */
  #arguments(frame: number): void {
    const { cpu } = this.#kernel;
    const { regs } = cpu;
    const R = this.#interp.registers;
    for (let n = 0; n < 5; n++) {
      regs[ARGS[n]!] = R[2 + 2 * n]!;
      regs[ARGS[n]! + 1] = R[3 + 2 * n]!;
    }
    cpu.setReg(RSP, addrOf(R[R10]!, R[R10 + 1]!) - frame);
  }
  leavesFor(addressLo: number, addressHi: number, frame: number): boolean {
    const target = addrOf(addressLo, addressHi);
    const { symbols, cpu, memory } = this.#kernel;
    this.#callers ??= new Set(Object.keys(callbacks).map((name) => symbols.address(name) ?? 0));
    if (!this.#callers.has(target)) return false;
    this.#arguments(frame);
    const top = Math.floor(cpu.reg(RSP) / 16) * 16 - 8;
    memory.writeAddr(top, this.#entryText().answered);
    cpu.setReg(RSP, top);
    cpu.rip = target;
    return true;
  }
  call(addressLo: number, addressHi: number, frame: number): void {
    const { cpu, machine } = this.#kernel;
    const { regs } = cpu;
    const R = this.#interp.registers;
    const saved = cpu.reg(RSP);
    this.#arguments(frame);
    const stop = machine.call(addrOf(addressLo, addressHi), []);
    if (stop.reason === 'fault') throw new CalleeFault();
    cpu.setReg(RSP, saved);
    if (stop.reason !== 'halt') throw new MachineStop(stop);
    R[0] = regs[0]!;
    R[1] = regs[1]!;
  }

  tailCall(made: number): InterpProgram | undefined {
    const R = this.#interp.registers;
    const map = this.#mapAt(addrOf(R[4]!, R[5]!));
    if (!(map instanceof ProgArrayMap)) return undefined;
    const index = R[6]! >>> 0;
    if (index >= map.maxEntries || made >= MAX_TAIL_CALLS) return undefined;
    return this.#progAt.get(map.slotAddr(index));
  }

  percpu(d: number, s: number): void {
    const R = this.#interp.registers;
    const at = addrOf(R[s]!, R[s + 1]!) + this.#kernel.percpu.offset(this.#kernel.context.cpu);
    R[d] = addrLo(at);
    R[d + 1] = addrHi(at);
  }
}

/** References to functions (ld_imm64 with source 4) get their entries' addresses. */
function resolveFunctionAddresses(
  insns: { code: number; src: number; imm: number }[],
  funcs: readonly { start: number }[],
  placed: readonly { address: Addr }[],
): void {
  insns.forEach((insn, slot) => {
    if (insn.code !== 0x18 || insn.src !== 4) return;
    const n = funcs.findIndex((f) => f.start === slot + 1 + insn.imm);
    const at = placed[n]?.address;
    // the reference of a program that lost the function: a number that nothing calls
    if (at === undefined) return;
    insns[slot] = { ...insn, imm: addrLo(at) };
    insns[slot + 1] = { ...insns[slot + 1]!, imm: addrHi(at) };
  });
}
