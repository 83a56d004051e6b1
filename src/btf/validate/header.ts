/** The header and the sections, as BPF_BTF_LOAD checks them before it looks at any type. */
import { BTF_HEADER_SIZE, BTF_MAGIC, BTF_VERSION } from '../kinds.ts';
import { type BtfErrno, type BtfLog, BtfRefused } from './log.ts';

/** Largest BTF that the kernel takes. */
const BTF_MAX_SIZE = 16 * 1024 * 1024;
const BTF_MAX_NAME_OFFSET = 0xffffff;

/** Bytes up to and with hdr_len. */
const HDR_LEN_END = 8;

/** @throws BtfRefused */
export function checkHeader(bytes: Uint8Array, hasBase: boolean, log: BtfLog): void {
  const refuse = (message: string, errno: BtfErrno = 'EINVAL'): BtfRefused => {
    log.write(message);
    return new BtfRefused(errno);
  };
  if (bytes.length > BTF_MAX_SIZE) throw new BtfRefused('E2BIG');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (bytes.length < HDR_LEN_END) throw refuse('hdr_len not found');
  const header = view.getUint32(4, true);
  if (bytes.length < header) throw refuse('btf_header not found');
  for (let at = BTF_HEADER_SIZE; at < header; at++)
    if (bytes[at] !== 0) throw refuse('Unsupported btf_header', 'E2BIG');
  const word = (at: number): number => (at + 4 <= header ? view.getUint32(at, true) : 0);
  const magic = view.getUint16(0, true);
  const version = view.getUint8(2);
  const flags = view.getUint8(3);
  const types = { offset: word(8), length: word(12) };
  const strings = { offset: word(16), length: word(20) };
  log.write(
    `magic: 0x${magic.toString(16)}\nversion: ${version}\nflags: 0x${flags.toString(16)}\nhdr_len: ${header}\n`,
  );
  log.write(
    `type_off: ${types.offset}\ntype_len: ${types.length}\nstr_off: ${strings.offset}\nstr_len: ${strings.length}\nbtf_total_size: ${bytes.length}\n`,
  );
  if (magic !== BTF_MAGIC) throw refuse('Invalid magic');
  if (version !== BTF_VERSION) throw refuse('Unsupported version', 'ENOTSUPP');
  if (flags !== 0) throw refuse('Unsupported flags', 'ENOTSUPP');
  if (bytes.length === header && !hasBase) throw refuse('No data');

  const room = bytes.length - header;
  let total = 0;
  for (const section of [types, strings].sort((a, b) => a.offset - b.offset)) {
    if (room < section.offset) throw refuse('Invalid section offset');
    if (total < section.offset) throw refuse('Unsupported section found');
    if (total > section.offset) throw refuse('Section overlap found');
    if (room - total < section.length) throw refuse('Total section length too long');
    total += section.length;
  }
  if (room !== total) throw refuse('Unsupported section found');

  const start = header + strings.offset;
  if (start + strings.length !== bytes.length) throw refuse('String section is not at the end');
  if (!hasBase || strings.length > 0) {
    const bad = strings.length === 0 || strings.length - 1 > BTF_MAX_NAME_OFFSET || bytes[bytes.length - 1] !== 0;
    if (bad || (!hasBase && bytes[start] !== 0)) throw refuse('Invalid string section');
  }
  if (types.offset % 4 !== 0) throw refuse('Unaligned type_off');
  if (!hasBase && types.length === 0) throw refuse('No type found');
}
