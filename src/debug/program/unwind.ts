/**
 * Where a function's return address lies, at each of its instructions: found by walking over its code once, as what it
 * pushes and reserves says. Kernel text here has no tables for it (.orc_unwind), nor has an image.
 */
import { type Addr, addrFromBigInt, addrToBigInt } from '../../machine/addr.ts';
import { RBP, RBX, RSP } from '../../machine/index.ts';
import { decode, form, type X86Insn } from '../../x86/index.ts';

/** The state of a frame in front of an instruction. */
export interface FrameState {
  /** bytes from rsp up to the return address; undefined: rsp was aligned, so only rbp tells */
  readonly rsp: number | undefined;
  /** bytes from rbp up to the return address, where rbp is this function's frame pointer */
  readonly rbp: number | undefined;
  /** of the caller's registers that were pushed: bytes from where each lies up to the return address */
  readonly saved: ReadonlyMap<number, number>;
}

/** Registers that a function gives back as it found them (System V psABI, figure 3.4), rsp aside. */
export const CALLEE_SAVED: readonly number[] = [RBX, RBP, 12, 13, 14, 15];

const ENTRY: FrameState = { rsp: 0, rbp: undefined, saved: new Map() };

/** States by offset; those that no instruction was found at are absent. */
export type FrameStates = ReadonlyMap<number, FrameState>;

/** Walks over a function's code. In the order of the code. */
export function frameStates(code: Uint8Array): FrameStates {
  const states = new Map<number, FrameState>([[0, ENTRY]]);
  /** what holds behind a jump or return that nothing jumps over: what held in the function's body */
  let body: FrameState = ENTRY;
  let flows: FrameState | undefined;
  for (let pc = 0; pc < code.length; ) {
    const insn = decode(code, pc);
    const length = insn.row < 0 ? 1 : insn.length;
    const state = states.get(pc) ?? flows ?? body;
    states.set(pc, state);
    flows = undefined;
    if (insn.row >= 0) {
      const { mnemonic } = form(insn.row);
      const next = after(state, mnemonic, insn);
      const target = jumps(mnemonic) ? pc + length + insn.immLo : undefined;
      if (target !== undefined && target > pc && target < code.length && !states.has(target)) states.set(target, next);
      if (mnemonic !== 'jmp' && mnemonic !== 'ret') flows = next;
      // a function's body begins where it has pushed and reserved all that it will
      if ((target !== undefined || mnemonic === 'call') && (next.rsp ?? 0) >= (body.rsp ?? 0)) body = next;
    }
    pc += length;
  }
  return new Map([...states].sort(([a], [b]) => a - b));
}

const jumps = (mnemonic: string): boolean => /^j/.test(mnemonic);

function after(state: FrameState, mnemonic: string, insn: X86Insn): FrameState {
  const { rsp } = state;
  const moved = (by: number): FrameState => ({ ...state, rsp: rsp === undefined ? undefined : rsp + by });
  switch (mnemonic) {
    case 'push': {
      const pushed = moved(8);
      const keeps = CALLEE_SAVED.includes(insn.reg) && !state.saved.has(insn.reg);
      if (!keeps || pushed.rsp === undefined) return pushed;
      return { ...pushed, saved: new Map([...state.saved, [insn.reg, pushed.rsp]]) };
    }
    case 'pushfq':
      return moved(8);
    case 'pop': {
      const popped = moved(-8);
      return insn.reg === RBP ? { ...popped, rbp: undefined } : popped;
    }
    case 'popfq':
      return moved(-8);
    case 'leave':
      return { ...state, rsp: state.rbp === undefined ? undefined : state.rbp - 8, rbp: undefined };
    case 'sub':
      return insn.rm === RSP ? moved(insn.immLo) : state;
    case 'add':
      return insn.rm === RSP ? moved(-insn.immLo) : state;
    case 'and':
      return insn.rm === RSP ? { ...state, rsp: undefined } : state;
    case 'lea':
      if (insn.reg !== RSP || insn.index >= 0) return state;
      if (insn.base === RSP) return moved(-insn.disp);
      return { ...state, rsp: insn.base === RBP && state.rbp !== undefined ? state.rbp - insn.disp : undefined };
    case 'mov': {
      const [to, from] = registers(insn);
      if (to === RBP && from === RSP) return { ...state, rbp: rsp };
      if (to === RSP) return { ...state, rsp: from === RBP ? state.rbp : undefined };
      return state;
    }
    default:
      return state;
  }
}

/** Destination and source of a move between registers; -1 for what is none. */
function registers(insn: X86Insn): readonly [to: number, from: number] {
  if (insn.mem || insn.reg < 0 || insn.rm < 0) return [-1, -1];
  const [first] = form(insn.row).operands;
  return first?.place === 'rm' ? [insn.rm, insn.reg] : [insn.reg, insn.rm];
}

/** Registers of a frame by x86's numbers; undefined: what it had there, nothing kept. */
export type Registers = readonly (bigint | undefined)[];

/** What a frame hands to its caller. */
export interface Caller {
  /** where the return address lies */
  readonly at: Addr;
  readonly rip: Addr;
  /** `rip` is behind its call; false: it was interrupted there */
  readonly calls: boolean;
  readonly registers: Registers;
}

/** Follows a state up. `read`: eight bytes; undefined where nothing is mapped. */
export function callerOf(
  state: FrameState,
  registers: Registers,
  read: (at: Addr) => bigint | undefined,
): Caller | undefined {
  const rsp = registers[RSP];
  const rbp = registers[RBP];
  const at =
    state.rsp !== undefined && rsp !== undefined
      ? addrFromBigInt(rsp) + state.rsp
      : state.rbp !== undefined && rbp !== undefined
        ? addrFromBigInt(rbp) + state.rbp
        : undefined;
  const rip = at === undefined ? undefined : read(at);
  if (at === undefined || rip === undefined) return undefined;
  const of = new Array<bigint | undefined>(registers.length).fill(undefined);
  for (const n of CALLEE_SAVED) {
    const saved = state.saved.get(n);
    // a frame pointer that nothing saved is this function's own
    if (saved !== undefined) of[n] = read(at - saved);
    else if (n !== RBP || state.rbp === undefined) of[n] = registers[n];
  }
  of[RSP] = addrToBigInt(at + 8);
  return { at, rip: addrFromBigInt(rip), calls: true, registers: of };
}
