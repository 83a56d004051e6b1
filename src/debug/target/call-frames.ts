/**
 * Call frame information for gdb (DWARF 5, 6.4, in a .debug_frame): how each function's caller is found from each of its
 * instructions, as program/unwind.ts reads it from the code.
 */
import { type Addr, addrToBigInt } from '../../machine/addr.ts';
import { type FrameState, frameStates } from '../program/unwind.ts';
import { Bytes } from './bytes.ts';

export interface FramedFunction {
  readonly address: Addr;
  readonly code: Uint8Array;
  /** nothing called it: who asks further is told that there is no more */
  readonly outermost: boolean;
}

/** DWARF's numbers of x86-64's registers (System V psABI, figure 3.36). */
const RBP = 6;
const RSP = 7;
const RETURN = 16;
/** ... and of those that a function saves, by x86's */
const SAVED: ReadonlyMap<number, number> = new Map([
  [3, 3],
  [5, RBP],
  [12, 12],
  [13, 13],
  [14, 14],
  [15, 15],
]);
/** what offsets are counted in */
const WORD = 8;

const CFA = { advance1: 0x02, advance2: 0x03, undefined: 0x07, defCfa: 0x0c, offset: 0x80, advance: 0x40 } as const;

/** Entries are multiples of eight bytes. */
function padded(inner: Bytes): Bytes {
  while ((inner.length + 4) % 8 !== 0) inner.u8(0);
  return inner;
}

export function callFrames(functions: readonly FramedFunction[]): Uint8Array {
  const out = new Bytes();
  const cie = new Bytes();
  cie.u32(0xffffffff);
  // version, no augmentation, code in bytes, data in words downwards, the return address's column
  cie.u8(1, 0, 1, 0x78, RETURN);
  cie.u8(CFA.defCfa, RSP, WORD, CFA.offset | RETURN, 1);
  out.entry(padded(cie));
  for (const f of functions) out.entry(padded(description(f)));
  return out.done();
}

function description({ address, code, outermost }: FramedFunction): Bytes {
  const fde = new Bytes();
  fde.u32(0);
  fde.u64(addrToBigInt(address));
  fde.u64(BigInt(code.length));
  if (outermost) {
    fde.u8(CFA.undefined);
    fde.uleb(RETURN);
    return fde;
  }
  let at = 0;
  let register = RSP;
  let offset = WORD;
  const told = new Map<number, number>();
  for (const [pc, state] of frameStates(code)) {
    const cfa = cfaOf(state);
    if (cfa === undefined) continue;
    const saved = [...state.saved].filter(([n, at]) => told.get(n) !== at);
    if (cfa[0] === register && cfa[1] === offset && saved.length === 0) continue;
    advance(fde, pc - at);
    at = pc;
    [register, offset] = cfa;
    fde.u8(CFA.defCfa);
    fde.uleb(register);
    fde.uleb(offset);
    for (const [n, from] of saved) {
      fde.u8(CFA.offset | (SAVED.get(n) as number));
      fde.uleb((from + WORD) / WORD);
      told.set(n, from);
    }
  }
  return fde;
}

/** The canonical frame address: what rsp was in front of the call. */
function cfaOf({ rsp, rbp }: FrameState): [register: number, offset: number] | undefined {
  if (rsp !== undefined && rsp >= 0) return [RSP, rsp + WORD];
  return rbp === undefined || rbp < 0 ? undefined : [RBP, rbp + WORD];
}

function advance(fde: Bytes, by: number): void {
  if (by === 0) return;
  if (by < 64) fde.u8(CFA.advance | by);
  else if (by < 256) fde.u8(CFA.advance1, by);
  else fde.u8(CFA.advance2, by & 0xff, by >> 8);
}
