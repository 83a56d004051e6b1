/** Whether a member fits its struct: Linux's `check_member` and `check_kflag_member` of each kind. */
import type { Btf } from '../btf.ts';
import type { BtfComposite, BtfInt, BtfMember, BtfType } from '../types.ts';
import { type BtfLog, BtfRefused } from './log.ts';

const POINTER = 8;
const REGULAR_SIZES = [1, 2, 4, 8, 16];

/** An integer of whole bytes at offset 0. */
export const isRegularInt = (type: BtfInt): boolean =>
  type.bits % 8 === 0 && type.bitOffset === 0 && REGULAR_SIZES.includes(type.bits / 8);

/**
 * @param type of the member, modifiers already looked through
 * @param size its size, for arrays and structs
 * @throws BtfRefused
 */
export function checkMember(
  _btf: Btf,
  log: BtfLog,
  struct: BtfComposite,
  member: BtfMember,
  type: BtfType,
  size: number,
): void {
  const refuse = (message: string): BtfRefused => {
    log.member(struct, member, message);
    return new BtfRefused('EINVAL');
  };
  const bit = member.bitOffset;
  const first = Math.floor(bit / 8);
  const room = struct.size - first;
  const bitfield = member.bitfieldSize;
  const fits = (bytes: number): void => {
    if (room < 0 || room < bytes) throw refuse('Member exceeds struct_size');
  };
  const aligned = (): void => {
    if (bit % 8 !== 0) throw refuse('Member is not byte aligned');
  };
  switch (type.kind) {
    case 'int': {
      let bits = type.bits;
      let from = bit;
      if (struct.kindFlag) {
        if (!isRegularInt(type)) throw refuse('Invalid member base type');
        if (bitfield === 0) {
          if (bit % 8 !== 0) throw refuse('Invalid member offset');
        } else if (bitfield > bits) throw refuse('Invalid member bitfield_size');
        else bits = bitfield;
      } else from += type.bitOffset;
      const copied = bits + (from % 8);
      if (copied > 128) throw refuse('nr_copy_bits exceeds 128');
      const start = Math.floor(from / 8);
      if (struct.size < start || struct.size - start < Math.ceil(copied / 8))
        throw refuse('Member exceeds struct_size');
      return;
    }
    case 'enum':
    case 'enum64':
      if (struct.kindFlag && bitfield > 0) {
        if (bitfield > 32) throw refuse('Invalid member bitfield_size');
        if (struct.size < first || Math.ceil((bit + bitfield) / 8) > struct.size)
          throw refuse('Member exceeds struct_size');
        return;
      }
      aligned();
      fits(type.size);
      return;
    case 'ptr':
    case 'array':
    case 'struct':
    case 'union':
      if (struct.kindFlag && bitfield > 0) throw refuse('Invalid member bitfield_size');
      aligned();
      fits(type.kind === 'ptr' ? POINTER : size);
      return;
    case 'float':
      if (struct.kindFlag && bitfield > 0) throw refuse('Invalid member bitfield_size');
      if (bit % (Math.min(POINTER, type.size) * 8) !== 0) throw refuse('Member is not properly aligned');
      fits(type.size);
      return;
    default:
      throw refuse('Unsupported check_member');
  }
}
