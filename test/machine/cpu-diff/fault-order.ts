/**
 * Which fault of an instruction that could raise several. Intel SDM vol. 3A, 6.9 "Priority Among Simultaneous
 * Exceptions and Interrupts" puts #SS, #GP and #PF of one instruction in one class and says that exceptions within a
 * class are implementation-dependent; the pages of the instructions (vol. 2A) describe results, not an order of
 * accesses. So where two accesses of one instruction would both fault, the processor has its choice: AMD's read
 * `cmps`'s [rdi] first, Intel's [rsi]. Rows with one access are not here, and have no choice.
 */
import { addrFromBigInt } from '../../../src/machine/addr.ts';
import { RIP, type X86Insn } from '../../../src/x86/index.ts';
import type { Case } from './generate.ts';
import { CODE_AT, CODE_BASE, CODE_BYTES, DATA_BASE, DATA_BYTES, GS_BASE } from './layout.ts';
import type { Outcome } from './outcome.ts';
import { decode, form } from './text.ts';

interface Access {
  /** u64 */
  readonly address: bigint;
  /** bytes */
  readonly size: number;
  readonly write: boolean;
  /** through rsp or rbp: not canonical is #SS, else #GP (SDM vol. 3A, 6.15 "Interrupt 12") */
  readonly stack: boolean;
}

type Registers = BigUint64Array;

const RSP = 4;
const RBP = 5;
const RSI = 6;
const RDI = 7;
const u64 = (value: bigint): bigint => BigInt.asUintN(64, value);
const pushed = (regs: Registers, bytes: number): Access => stack(regs, -bytes, true);

function stack(regs: Registers, offset: number, write = false): Access {
  return { address: u64((regs[RSP] as bigint) + BigInt(offset)), size: 8, write, stack: true };
}

/** The ModRM operand. */
function operand(insn: X86Insn, regs: Registers, size: number, write: boolean): Access {
  const end = BigInt(CODE_AT + insn.length);
  let address = BigInt(insn.disp) + (insn.base === RIP ? end : insn.base >= 0 ? (regs[insn.base] as bigint) : 0n);
  if (insn.index >= 0) address += (regs[insn.index] as bigint) << BigInt(insn.scale);
  if (insn.segment !== 0) address += BigInt(GS_BASE);
  return {
    address: u64(address),
    size,
    write,
    stack: insn.segment === 0 && (insn.base === RSP || insn.base === RBP),
  };
}

function element(regs: Registers, register: number, size: number, write: boolean, base = 0): Access {
  return { address: u64((regs[register] as bigint) + BigInt(base)), size, write, stack: false };
}

/** `pop m` computes the address of its destination after it has added to rsp (SDM vol. 2B, "POP"). */
function popped(regs: Registers): Registers {
  const after = regs.slice();
  after[RSP] = u64((after[RSP] as bigint) + 8n);
  return after;
}

/** Frame pointers copied and pushed, and the write at the final rsp that vol. 2A, "ENTER" lists under #PF. */
function enter(insn: X86Insn, regs: Registers): Access[] {
  const level = insn.imm2 & 31;
  const accesses = [pushed(regs, 8)];
  for (let i = 1; i < level; i++) {
    accesses.push({ address: u64((regs[RBP] as bigint) - BigInt(8 * i)), size: 8, write: false, stack: true });
    accesses.push(pushed(regs, 8 * (i + 1)));
  }
  if (level > 0) accesses.push(pushed(regs, 8 * (level + 1)));
  accesses.push(pushed(regs, 8 * (level > 0 ? level + 1 : 1) + (insn.immLo & 0xffff)));
  return accesses;
}

/** The rows that access memory at two places or more. */
function accesses(c: Case, regs: Registers): Access[] {
  const f = form(c.row);
  const insn = decode(c.code);
  switch (f.mnemonic) {
    case 'cmpsb':
    case 'cmpsw':
    case 'cmpsd':
    case 'cmpsq':
      return [element(regs, RSI, f.size, false, insn.segment !== 0 ? GS_BASE : 0), element(regs, RDI, f.size, false)];
    case 'movsb':
    case 'movsw':
    case 'movsd':
    case 'movsq':
      return [element(regs, RSI, f.size, false, insn.segment !== 0 ? GS_BASE : 0), element(regs, RDI, f.size, true)];
    case 'push':
    case 'call':
      return insn.mem ? [operand(insn, regs, f.size, false), pushed(regs, f.size === 2 ? 2 : 8)] : [];
    case 'pop':
      return insn.mem ? [stack(regs, 0), operand(insn, popped(regs), f.size, true)] : [];
    case 'enter':
      return enter(insn, regs);
    case 'iretq':
      return [0, 8, 16, 24, 32].map((offset) => stack(regs, offset));
    default:
      return [];
  }
}

const within = (address: number, base: number, bytes: number): boolean => address >= base && address < base + bytes;

/** How the access faults on a processor of `bits` linear address bits; undefined: it does not. */
function faultOf(access: Access, bits: number): Pick<Outcome, 'trap' | 'cr2' | 'error'> | undefined {
  const last = u64(access.address + BigInt(access.size - 1));
  for (const end of [access.address, last])
    if (u64(BigInt.asIntN(bits, end)) !== end) return { trap: access.stack ? 12 : 13, cr2: 0n, error: 0 };
  // the first byte, or the first of the next page
  for (const byte of [access.address, last & ~0xfffn]) {
    if (byte < access.address) continue;
    const at = addrFromBigInt(byte);
    const code = within(at, CODE_BASE, CODE_BYTES);
    if (within(at, DATA_BASE, DATA_BYTES) || (code && !access.write)) continue;
    return { trap: 14, cr2: byte, error: 4 | (access.write ? 2 : 0) | (code ? 1 : 0) };
  }
  return undefined;
}

/** Whether two accesses of the instruction fault at where it stopped, and either side reports one of them. */
export function eitherFault(c: Case, host: Outcome, guest: Outcome, hostBits: number): boolean {
  const all = accesses(c, host.regs);
  const oneOf = (outcome: Outcome, bits: number): boolean => {
    const faults = all.map((access) => faultOf(access, bits)).filter((fault) => fault !== undefined);
    return (
      faults.length > 1 &&
      faults.some(
        (fault) =>
          fault.trap === outcome.trap &&
          (fault.trap !== 14 ||
            (fault.cr2 === outcome.cr2 && ((fault.error ^ outcome.error) & ~hidden(fault.cr2)) === 0)),
      )
    );
  };
  return oneOf(host, hostBits) && oneOf(guest, 48);
}

/** Linux sets the present bit for every address of its half before it tells a process. */
export const hidden = (cr2: bigint): number => (cr2 >> 63n ? 1 : 0);
