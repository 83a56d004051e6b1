/** One section of any 64-bit little-endian ELF file, whatever its machine: to take `.BTF` out of a vmlinux. */
import { ELF_HEADER_SIZE, ELFCLASS64, ELFDATA2LSB, SECTION_HEADER_SIZE, SHT_NOBITS } from './constants.ts';
import { stringAt } from './strings.ts';

/** Bytes of the first section of that name; undefined where the file has none, or is damaged. */
export function sectionBytes(bytes: Uint8Array, name: string): Uint8Array | undefined {
  if (bytes.length < ELF_HEADER_SIZE || bytes[4] !== ELFCLASS64 || bytes[5] !== ELFDATA2LSB) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const table = Number(view.getBigUint64(40, true));
  const count = view.getUint16(60, true);
  if (view.getUint16(58, true) !== SECTION_HEADER_SIZE || table + count * SECTION_HEADER_SIZE > bytes.length)
    return undefined;
  const range = (index: number): Uint8Array | undefined => {
    const at = table + index * SECTION_HEADER_SIZE;
    const offset = Number(view.getBigUint64(at + 24, true));
    const size = Number(view.getBigUint64(at + 32, true));
    return view.getUint32(at + 4, true) !== SHT_NOBITS && offset + size <= bytes.length
      ? bytes.subarray(offset, offset + size)
      : undefined;
  };
  const names = view.getUint16(62, true) < count ? range(view.getUint16(62, true)) : undefined;
  if (!names) return undefined;
  for (let index = 0; index < count; index++) {
    if (stringAt(names, view.getUint32(table + index * SECTION_HEADER_SIZE, true)) === name) return range(index);
  }
  return undefined;
}
