/** Machine code instruction by instruction; what is none is one byte. */
import { decode } from './decode.ts';
import { formatInsn } from './format.ts';

export interface ListedInsn {
  /** from the beginning of the code, bytes */
  readonly offset: number;
  readonly bytes: Uint8Array;
  /** without the blanks that stand behind a mnemonic without operands */
  readonly text: string;
}

export interface ListingOptions {
  readonly syntax?: 'att' | 'intel';
  /** of the code's first byte */
  readonly address: number;
  /** `symbol` or `symbol+0x10` of an address */
  readonly symbol: (address: number) => string | undefined;
}

/** @param from offset of the first instruction that is listed */
export function listInsns(code: Uint8Array, options: ListingOptions, from = 0): ListedInsn[] {
  const { syntax = 'att', address, symbol } = options;
  const out: ListedInsn[] = [];
  for (let offset = from; offset < code.length; ) {
    const insn = decode(code, offset);
    const length = insn.row < 0 ? 1 : insn.length;
    const text = formatInsn(insn, { syntax, address: address + offset, symbol }).trimEnd();
    out.push({ offset, bytes: code.slice(offset, offset + length), text });
    offset += length;
  }
  return out;
}
