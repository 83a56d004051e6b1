/** Two images of one program from two boots: addresses differ, everything else must be the same byte for byte. */
import { decode, form } from '../../src/x86/index.ts';

/** A function of an image, with where it lies. */
export interface ImageFunc {
  readonly address: bigint;
  readonly bytes: Uint8Array;
}

const u64 = (x: bigint): bigint => BigInt.asUintN(64, x);
/** direct map, vmalloc, per-CPU, modules: what a kernel places anew each time it boots */
const PLACED = /^ffff(888|c9|e8|ea|ffffc)/;
const isPlaced = (address: bigint): boolean => PLACED.test(u64(address).toString(16).padStart(16, '0'));

/** An address as the same place in both images: function and offset where it is the program's own. */
function place(funcs: readonly ImageFunc[], address: bigint): string {
  for (const [n, f] of funcs.entries()) {
    const off = u64(address) - u64(f.address);
    if (off >= 0n && off < BigInt(f.bytes.length)) return `f${n}+${off}`;
  }
  return isPlaced(address) ? 'placed' : u64(address).toString(16);
}

/** What an instruction's immediate is, as an address where it is one; undefined where its bytes must be the same. */
function target(func: ImageFunc, at: number): bigint | undefined {
  const insn = decode(func.bytes, at);
  if (insn.row < 0 || insn.immAt === 0) return undefined;
  const { mnemonic } = form(insn.row);
  const view = new DataView(func.bytes.buffer, func.bytes.byteOffset + at + insn.immAt);
  const width = insn.length - insn.immAt;
  if ((mnemonic === 'call' || mnemonic === 'jmp') && width === 4)
    return func.address + BigInt(at + insn.length) + BigInt(view.getInt32(0, true));
  if (mnemonic !== 'mov') return undefined;
  if (width === 8) return view.getBigUint64(0, true);
  // mov $imm32, r64: the address of a callback
  return width === 4 && func.bytes[at] === 0x48 ? BigInt(view.getInt32(0, true)) : undefined;
}

/** Where two images differ, '' where they do not. */
export function imageDiff(ours: readonly ImageFunc[], theirs: readonly ImageFunc[]): string {
  if (ours.length !== theirs.length) return `${ours.length} functions, not ${theirs.length}`;
  for (const [n, a] of ours.entries()) {
    const b = theirs[n] as ImageFunc;
    if (a.bytes.length !== b.bytes.length) return `function ${n}: ${a.bytes.length} bytes, not ${b.bytes.length}`;
    for (let at = 0; at < a.bytes.length; ) {
      const { length, immAt } = decode(a.bytes, at);
      const same = Buffer.compare(a.bytes.subarray(at, at + length), b.bytes.subarray(at, at + length)) === 0;
      const x = same ? undefined : target(a, at);
      const y = same ? undefined : target(b, at);
      const prefix = Buffer.compare(a.bytes.subarray(at, at + immAt), b.bytes.subarray(at, at + immAt)) === 0;
      if (!same && (x === undefined || y === undefined || !prefix || place(ours, x) !== place(theirs, y)))
        return `function ${n}, byte ${at}`;
      at += Math.max(1, length);
    }
  }
  return '';
}
