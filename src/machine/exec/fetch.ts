/**
 * Instruction fetch: bytes of executable pages to steps (Intel SDM vol. 3A, 4.6.2 "Determination of Access Rights":
 * instruction fetches).
 */
import { decode } from '../../x86/index.ts';
import { type Addr, addrHi, addrLo } from '../addr.ts';
import { Fault, PF_FETCH, PF_USER } from '../fault.ts';
import { EXEC, PAGE_SIZE } from '../layout.ts';
import type { GuestMemory } from '../memory.ts';
import type { Step } from './context.ts';
import { prepare, stepAt } from './prepare.ts';

const MAX_LENGTH = 15;

/** The instruction at `rip`, which may cross into the next page. @throws GuestFault, Fault #UD */
export function fetch(memory: GuestMemory, rip: Addr): Step {
  const lo = addrLo(rip);
  const phys = memory.physical(lo, addrHi(rip), EXEC);
  const inPage = PAGE_SIZE - (lo & (PAGE_SIZE - 1));
  const s = stepAt(memory.u8, phys, phys + inPage, rip);
  if (s !== undefined) return s;
  const bytes = memory.u8.slice(phys, phys + Math.min(MAX_LENGTH, inPage));
  const { length } = decode(bytes);
  if (inPage >= MAX_LENGTH || length < inPage) throw undefinedOpcode(rip, bytes, length);
  const next = rip + inPage;
  const second = memory.physical(addrLo(next), addrHi(next), EXEC);
  const joined = new Uint8Array(MAX_LENGTH);
  joined.set(bytes);
  joined.set(memory.u8.subarray(second, second + MAX_LENGTH - inPage), inPage);
  const insn = decode(joined);
  const crossing = prepare(insn, rip);
  if (crossing === undefined) throw undefinedOpcode(rip, joined, insn.length);
  return crossing;
}

/** The instruction at `rip`, unless it cannot be fetched or is none. */
export function tryFetch(memory: GuestMemory, rip: Addr, user: boolean): Step | undefined {
  const inPage = addrLo(rip) & (PAGE_SIZE - 1);
  const crosses = inPage > PAGE_SIZE - MAX_LENGTH;
  // asked first, since an exception costs more than the answer
  if (inPage === 0 && memory.translate(rip, EXEC, user) < 0) return undefined;
  if (crosses && memory.translate(rip + MAX_LENGTH, EXEC, user) < 0) return undefined;
  const phys = memory.physical(addrLo(rip), addrHi(rip), EXEC);
  const s = stepAt(memory.u8, phys, phys + PAGE_SIZE - inPage, rip);
  if (s !== undefined || !crosses) return s;
  try {
    return fetch(memory, rip);
  } catch (error) {
    if (error instanceof Fault) return undefined;
    throw error;
  }
}

const undefinedOpcode = (rip: Addr, bytes: Uint8Array, length: number): Fault =>
  new Fault('ud', rip, { bytes: bytes.slice(0, Math.max(1, length)) });

/**
 * The fault of a fetch from where nothing is mapped, which a kernel that maps its text on demand sees often:
 * without the stack trace that an Error collects.
 */
export function notMapped(rip: Addr, user: boolean): Fault {
  return Fault.light('page', rip, { address: rip, errorCode: PF_FETCH | (user ? PF_USER : 0) });
}
