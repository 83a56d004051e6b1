/**
 * The call stack. A function's code tells where its return address lies (see program/unwind.ts); where that leads
 * nowhere, what lies on the stack is a return address where the instruction in front of it is a call, and of a direct
 * call where that leads to the function below it.
 */
import type { Kernel } from '../../../kernel-sim/index.ts';
import { type Addr, addrFromBigInt, addrToBigInt } from '../../machine/addr.ts';
import { type CpuState, REGISTER_NAMES, RSP } from '../../machine/index.ts';
import { PAGE_SIZE } from '../../machine/layout.ts';
import type { Programs } from '../program/programs.ts';
import { type Caller, callerOf, type FrameStates, frameStates, type Registers } from '../program/unwind.ts';
import type { Place } from './types.ts';
import type { Places } from './world.ts';

export interface Frame {
  readonly place: Place;
  /** where this frame's caller goes on is on the stack here; undefined for the outermost */
  readonly returnAt: Addr | undefined;
  /** address that it returns to */
  readonly returnTo: Addr | undefined;
  /** it called the one below it, and goes on at `place` */
  readonly calls: boolean;
  /** what it had in its registers, as far as those that it called kept them */
  readonly registers: Registers;
}

const MOST_FRAMES = 64;
const MOST_WORDS = 2048;
/** of a function that is walked over */
const MOST_BYTES = 1 << 16;

/** Code that nothing calls: what is below it came by an exception or a system call, or began here. */
const EXCEPTION = /^asm_exc_/;
/** Nothing called these. */
export const OUTERMOST =
  /^(entry_SYSCALL_64|ret_from_fork|syscall_return_via_sysret|common_interrupt_return|error_entry)/;
/** Where a function returns to that a kretprobe took its return address from: no call led there. */
const RETURNED_TO = /^arch_rethook/;

/** Where pt_regs has x86's registers, by their numbers. */
const PT_REGS = REGISTER_NAMES.map((name) => name.replace(/^r(?=[a-z])/, ''));

/** A frame on the way up. */
interface Step {
  readonly rip: Addr;
  readonly calls: boolean;
  readonly registers: Registers;
}

export const liveRegisters = (cpu: CpuState): Registers =>
  Array.from({ length: REGISTER_NAMES.length }, (_, n) => cpu.reg64(n));
const rspOf = ({ registers }: Step): Addr => addrFromBigInt(registers[RSP] as bigint);

export class CallStack {
  readonly #kernel: Kernel;
  readonly #places: Places;
  readonly #programs: Programs;
  /** by the function's first byte; text that is patched pushes as much as before */
  readonly #states = new Map<Addr, FrameStates>();

  constructor(kernel: Kernel, places: Places, programs: Programs) {
    this.#kernel = kernel;
    this.#places = places;
    this.#programs = programs;
  }

  /** The innermost frame first. */
  frames(): Frame[] {
    const { cpu, tasks } = this.#kernel;
    const out: Frame[] = [];
    let here: Step = { rip: cpu.rip, calls: false, registers: liveRegisters(cpu) };
    const top = tasks.current.stackTop;
    while (cpu.cpl !== 3 && out.length < MOST_FRAMES) {
      const caller = this.#caller(here, out.length === 0, top);
      if (caller === undefined || caller.at >= top || rspOf(caller) <= rspOf(here)) break;
      out.push({
        place: this.#places.at(here.rip),
        returnAt: caller.at,
        returnTo: caller.rip,
        calls: here.calls,
        registers: here.registers,
      });
      here = caller;
    }
    const { rip, calls, registers } = here;
    out.push({ place: this.#places.at(rip), returnAt: undefined, returnTo: undefined, calls, registers });
    return out;
  }

  #caller(here: Step, isInnermost: boolean, top: Addr): Caller | undefined {
    const { symbols } = this.#kernel;
    const name = symbols.at(here.rip)?.name ?? '';
    if (OUTERMOST.test(name)) return undefined;
    if (EXCEPTION.test(name)) return isInnermost ? undefined : this.#interrupted(rspOf(here));
    const state = RETURNED_TO.test(name) ? undefined : this.#state(here.rip);
    const caller = state && callerOf(state, here.registers, (at) => this.#word(at));
    if (caller !== undefined && this.#isCode(caller.rip)) return caller;
    // nothing returns out of the first function of a task
    if (caller !== undefined && caller.rip === this.#kernel.machine.haltAddress) return undefined;
    return this.#found(here, top);
  }

  #state(rip: Addr): ReturnType<FrameStates['get']> {
    const image = this.#programs.at(rip);
    const symbol = this.#kernel.symbols.at(rip);
    if (image === undefined && symbol === undefined) return undefined;
    const start = image?.func.address ?? rip - (symbol?.offset ?? 0);
    let states = this.#states.get(start);
    if (states === undefined) {
      const size = Math.min(symbol?.size ?? 0, MOST_BYTES);
      const bytes = image?.func.bytes ?? this.#code(start, size);
      states = frameStates(bytes);
      if (image !== undefined || bytes.length === size) this.#states.set(start, states);
    }
    return states.get(rip - start);
  }
  /** What of it is there: a function may go on on a page whose text nothing has executed yet. */
  #code(start: Addr, bytes: number): Uint8Array {
    const { memory } = this.#kernel;
    const page = (at: Addr): Addr => (Math.floor(at / PAGE_SIZE) + 1) * PAGE_SIZE;
    let end = start;
    while (end < start + bytes && memory.translate(end, 0, false) >= 0) end = page(end);
    return memory.readBytes(start, Math.min(bytes, end - start));
  }

  /** pt_regs lies where an exception's entry calls from. */
  #interrupted(rsp: Addr): Caller | undefined {
    const { memory, structs } = this.#kernel;
    const regs = structs.of('pt_regs');
    if (memory.translate(rsp, 0, false) < 0 || memory.translate(rsp + regs.size - 1, 0, false) < 0) return undefined;
    const read = (field: string): Addr => memory.readAddr(rsp + regs.offset(field));
    const rip = read('ip');
    if (rip >= 0) return undefined;
    const registers = PT_REGS.map((field) => this.#word(rsp + regs.offset(field)));
    return { at: rsp + regs.offset('ip'), rip, calls: false, registers };
  }

  /** The next word on the stack that is a return address out of here. */
  #found({ rip, registers }: Step, top: Addr): Caller | undefined {
    const rsp = addrFromBigInt(registers[RSP] as bigint);
    for (let words = 0, at = rsp; words < MOST_WORDS && at < top; words++, at += 8) {
      const word = this.#word(at);
      if (word === undefined) return undefined;
      const to = addrFromBigInt(word);
      if (!isReturn(this.#kernel, to, rip)) continue;
      const of = new Array<bigint | undefined>(registers.length).fill(undefined);
      of[RSP] = addrToBigInt(at + 8);
      return { at, rip: to, calls: true, registers: of };
    }
    return undefined;
  }
  #word(at: Addr): bigint | undefined {
    const { memory } = this.#kernel;
    if (memory.translate(at, 0, false) < 0 || memory.translate(at + 7, 0, false) < 0) return undefined;
    return memory.readU64(at);
  }
  #isCode(rip: Addr): boolean {
    return rip < 0 && (this.#kernel.symbols.at(rip) !== undefined || this.#programs.at(rip) !== undefined);
  }
}

/** Whether code at `inner` may return to `to`: a call stands in front, and where it says what it calls, it is that. */
function isReturn(kernel: Kernel, to: Addr, inner: Addr): boolean {
  const { memory, symbols } = kernel;
  if (to >= 0 || memory.translate(to - 7, 2, false) < 0 || symbols.at(to) === undefined) return false;
  if (memory.readU8(to - 5) === 0xe8) {
    const called = symbols.at(to + memory.readS32(to - 4))?.name;
    const here = symbols.at(inner)?.name;
    if (called === undefined || here === undefined) return false;
    return called === here || `${called}.cold` === here || (JUMPS.test(called) && !here.endsWith('.cold'));
  }
  // call r64, call r/m64: where it leads is not written in it
  for (const length of [2, 3, 6, 7]) {
    const rex = memory.readU8(to - length);
    const at = (rex & 0xf0) === 0x40 ? to - length + 1 : to - length;
    if (memory.readU8(at) === 0xff && ((memory.readU8(at + 1) >> 3) & 7) === 2) return true;
  }
  return false;
}
/** Functions that end in a jump to another, which then returns in their place. */
const JUMPS = /^(x64_sys_call|do_syscall_64|.*trampoline.*|.*thunk.*)$/;
