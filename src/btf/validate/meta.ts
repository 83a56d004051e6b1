/** Each type for itself: Linux's `check_meta` of every kind, in the order in which it asks. */
import type { Btf } from '../btf.ts';
import { decodeType } from '../decode.ts';
import { BTF_KINDS, BTF_TYPE_SIZE, BYTES_PER_ELEMENT, FIXED_EXTRA } from '../kinds.ts';
import type { BtfType } from '../types.ts';
import { type BtfLog, BtfRefused, isIdentifier, isSectionName, type Refuse, safeName } from './log.ts';

/** Bits of `info` that have a meaning. */
const INFO_MASK = 0x9f00ffff;
const INT_MASK = 0x0fffffff;
const MAX_TYPE = 0xfffff;
const FLOAT_SIZES = [2, 4, 8, 12, 16];

const validId = (id: number): boolean => id <= MAX_TYPE;
const bytesOf = (bits: number): number => Math.ceil(bits / 8);

interface Raw {
  readonly nameOff: number;
  readonly vlen: number;
  readonly flag: boolean;
  /** size or type */
  readonly last: number;
  readonly word: (n: number) => number;
  /** a name, a character a byte */
  text(offset: number): string;
}

/** @param view of the types; @param base where the type begins. Returns its bytes. @throws BtfRefused */
export function checkMeta(btf: Btf, log: BtfLog, view: DataView, at: number, left: number): number {
  const plain = (message: string): BtfRefused => {
    log.write(`[${log.typeId}] ${message}`);
    return new BtfRefused('EINVAL');
  };
  if (left < BTF_TYPE_SIZE) throw plain(`meta_left:${left} meta_needed:${BTF_TYPE_SIZE}`);
  const nameOff = view.getUint32(at, true);
  const info = view.getUint32(at + 4, true);
  if ((info & ~INFO_MASK) !== 0) throw plain(`Invalid btf_info:${info.toString(16)}`);
  const kindNumber = (info >>> 24) & 31;
  const kind = BTF_KINDS[kindNumber];
  if (kind === undefined || kind === 'void') throw plain(`Invalid kind:${kindNumber}`);
  if (nameOff >= btf.endString) throw plain(`Invalid name_offset:${nameOff}`);
  const vlen = info & 0xffff;
  const extra = (FIXED_EXTRA[kindNumber] as number) + (BYTES_PER_ELEMENT[kindNumber] as number) * vlen;
  if (left - BTF_TYPE_SIZE < extra) {
    log.basic(kind, safeName(btf, nameOff), `meta_left:${left - BTF_TYPE_SIZE} meta_needed:${extra}`);
    throw new BtfRefused('EINVAL');
  }
  checkNames(btf, log, kind, view, at, vlen);
  const type = decodeType(btf, log.typeId, view, at, true);
  if (nameOff !== 0 && type.name === '') log.emptyNames.add(type);
  if (type.kind === 'struct' || type.kind === 'union')
    for (const [n, member] of type.members.entries())
      if (member.name === '' && view.getUint32(at + 12 + 12 * n, true) !== 0) log.emptyNames.add(member);
  const refuse: Refuse = (message, errno = 'EINVAL') => {
    log.type(type, message);
    return new BtfRefused(errno);
  };
  checkKind(
    log,
    type,
    {
      nameOff,
      vlen,
      flag: info >>> 31 !== 0,
      last: view.getUint32(at + 8, true),
      word: (n) => view.getUint32(at + 12 + n * 4, true),
      text: (offset) => btf.byteString(offset),
    },
    refuse,
  );
  return BTF_TYPE_SIZE + extra;
}

/** Name offsets of members and values, before they are read as names. */
function checkNames(btf: Btf, log: BtfLog, kind: string, view: DataView, at: number, vlen: number): void {
  const stride =
    kind === 'struct' || kind === 'union' || kind === 'enum64' ? 12 : kind === 'enum' || kind === 'func_proto' ? 8 : 0;
  if (stride === 0) return;
  for (let n = 0; n < vlen; n++) {
    const offset = view.getUint32(at + 12 + n * stride, true);
    if (offset < btf.endString) continue;
    if (kind === 'enum' || kind === 'enum64') log.write(`\tInvalid name_offset:${offset}`);
    else if (kind === 'struct' || kind === 'union') logMembers(btf, log, kind, view, at, n);
    else log.basic(kind, safeName(btf, view.getUint32(at, true)), `Invalid arg#${n + 1}`);
    throw new BtfRefused('EINVAL');
  }
}

/** A structure, its members up to the one whose name is none, and that one. */
function logMembers(btf: Btf, log: BtfLog, kind: string, view: DataView, at: number, bad: number): void {
  const info = view.getUint32(at + 4, true);
  log.basic(
    kind,
    safeName(btf, view.getUint32(at, true)),
    `size=${view.getUint32(at + 8, true)} vlen=${info & 0xffff}`,
  );
  for (let n = 0; n <= bad; n++) {
    const member = at + 12 + 12 * n;
    const nameOff = view.getUint32(member, true);
    const offset = view.getUint32(member + 8, true);
    const place =
      info >>> 31 ? `bitfield_size=${offset >>> 24} bits_offset=${offset & 0xffffff}` : `bits_offset=${offset}`;
    const name = nameOff === 0 ? '(anon)' : safeName(btf, nameOff);
    const message = n === bad ? ` Invalid member name_offset:${nameOff}` : '';
    log.write(`\t${name} type_id=${view.getUint32(member + 4, true)} ${place}${message}\n`);
  }
}

function checkKind(log: BtfLog, type: BtfType, raw: Raw, refuse: Refuse): void {
  const noVlen = (): void => {
    if (raw.vlen !== 0) throw refuse('vlen != 0');
  };
  const noFlag = (): void => {
    if (raw.flag) throw refuse('Invalid btf_info kind_flag');
  };
  const noName = (): void => {
    if (raw.nameOff !== 0) throw refuse('Invalid name');
  };
  const identifier = (): void => {
    if (raw.nameOff === 0 || !isIdentifier(raw.text(raw.nameOff))) throw refuse('Invalid name');
  };
  const optionalIdentifier = (): void => {
    if (raw.nameOff !== 0 && !isIdentifier(raw.text(raw.nameOff))) throw refuse('Invalid name');
  };
  switch (type.kind) {
    case 'int': {
      noVlen();
      noFlag();
      const data = raw.word(0);
      if ((data & ~INT_MASK) !== 0) {
        log.basic('int', type.name, `Invalid int_data:${data.toString(16)}`);
        throw new BtfRefused('EINVAL');
      }
      const bits = type.bits + type.bitOffset;
      if (bits > 128) throw refuse('nr_bits exceeds 128');
      if (bytesOf(bits) > type.size) throw refuse('nr_bits exceeds type_size');
      if (![0, 1, 2, 4].includes(type.encoding)) throw refuse('Unsupported encoding', 'ENOTSUPP');
      log.type(type);
      return;
    }
    case 'ptr':
    case 'const':
    case 'volatile':
    case 'restrict':
    case 'typedef':
    case 'type_tag':
      noVlen();
      noFlag();
      if (!validId(type.type)) throw refuse('Invalid type_id');
      if (type.kind === 'typedef') identifier();
      else if (type.kind === 'type_tag') {
        if (type.name === '') throw refuse('Invalid name');
      } else noName();
      log.type(type);
      return;
    case 'fwd':
      noVlen();
      if (raw.last !== 0) throw refuse('type != 0');
      identifier();
      log.type(type);
      return;
    case 'array':
      noName();
      noVlen();
      noFlag();
      if (raw.last !== 0) throw refuse('size != 0');
      if (type.type === 0 || !validId(type.type)) throw refuse('Invalid elem');
      if (type.indexType === 0 || !validId(type.indexType)) throw refuse('Invalid index');
      log.type(type);
      return;
    case 'struct':
    case 'union': {
      optionalIdentifier();
      log.type(type);
      let last = 0;
      for (const [n, member] of type.members.entries()) {
        const bad = (message: string): BtfRefused => {
          log.member(type, member, message);
          return new BtfRefused('EINVAL');
        };
        if (raw.word(n * 3) !== 0 && !isIdentifier(raw.text(raw.word(n * 3)))) throw bad('Invalid name');
        if (member.type === 0 || !validId(member.type)) throw bad('Invalid type_id');
        if (type.kind === 'union' && member.bitOffset !== 0) throw bad('Invalid member bits_offset');
        if (last > member.bitOffset) throw bad('Invalid member bits_offset');
        if (bytesOf(member.bitOffset) > type.size) throw bad('Member bits_offset exceeds its struct size');
        log.member(type, member);
        last = member.bitOffset;
      }
      return;
    }
    case 'enum':
    case 'enum64':
      if (type.size > 8 || type.size === 0 || (type.size & (type.size - 1)) !== 0) throw refuse('Unexpected size');
      optionalIdentifier();
      log.type(type);
      for (const [n, { name, value }] of type.values.entries()) {
        if (!isIdentifier(raw.text(raw.word(n * (type.kind === 'enum' ? 2 : 3))))) throw refuse('Invalid name');
        log.write(`\t${name} val=${value}\n`);
      }
      return;
    case 'func_proto':
      noName();
      noFlag();
      log.type(type);
      return;
    case 'func':
      identifier();
      if (raw.vlen > 1) throw refuse('Invalid func linkage');
      noFlag();
      log.type(type);
      return;
    case 'var':
      noVlen();
      noFlag();
      identifier();
      if (type.type === 0 || !validId(type.type)) throw refuse('Invalid type_id');
      if (raw.word(0) > 1) throw refuse('Linkage not supported');
      log.type(type);
      return;
    case 'datasec': {
      if (type.size === 0) throw refuse('size == 0');
      noFlag();
      if (raw.nameOff === 0 || !isSectionName(raw.text(raw.nameOff))) throw refuse('Invalid name');
      log.type(type);
      let end = 0;
      let sum = 0;
      for (const secvar of type.vars) {
        const bad = (message: string): BtfRefused => {
          log.secVar(type, secvar, message);
          return new BtfRefused('EINVAL');
        };
        if (secvar.type === 0 || !validId(secvar.type)) throw bad('Invalid type_id');
        if (secvar.offset < end || secvar.offset >= type.size) throw bad('Invalid offset');
        if (secvar.size === 0 || secvar.size > type.size) throw bad('Invalid size');
        end = secvar.offset + secvar.size;
        if (end > type.size) throw bad('Invalid offset+size');
        log.secVar(type, secvar);
        sum += secvar.size;
      }
      if (type.size < sum) throw refuse('Invalid btf_info size');
      return;
    }
    case 'float':
      noVlen();
      noFlag();
      if (!FLOAT_SIZES.includes(type.size)) throw refuse('Invalid type_size');
      log.type(type);
      return;
    case 'decl_tag':
      if (type.name === '') throw refuse('Invalid value');
      noVlen();
      noFlag();
      if (type.component < -1) throw refuse('Invalid component_idx');
      log.type(type);
      return;
    case 'void':
      return;
  }
}
