/** Section headers, string table and file header of an ELF file to write (System V gABI chapter 4). */
import { concatBytes, encodeUtf8 } from '../platform/index.ts';
import { ELF_HEADER_SIZE, ELFCLASS64, ELFDATA2LSB, SECTION_HEADER_SIZE, SHT_NOBITS, SHT_NULL } from './constants.ts';

/** A section as its header has it. */
export interface OutputSection {
  readonly name: string;
  readonly type: number;
  readonly flags: number;
  data: Uint8Array;
  readonly link: number;
  readonly info: number;
  readonly align: number;
  readonly entsize: number;
  /** where it lies in memory, 0 where it does not */
  readonly address?: bigint;
  /** SHT_NOBITS: bytes that it takes there */
  readonly size?: number;
}

/** A string table: the empty string first, then each name once. */
export class Strings {
  readonly #parts: Uint8Array[] = [Uint8Array.of(0)];
  #length = 1;
  add(name: string): number {
    const at = this.#length;
    const bytes = encodeUtf8(`${name}\0`);
    this.#parts.push(bytes);
    this.#length += bytes.length;
    return at;
  }
  bytes(): Uint8Array {
    return concatBytes(this.#parts);
  }
}

/** The file's bytes. Its last section is the string table, which the names of all go into. */
export function layOut(
  sections: readonly OutputSection[],
  strings: Strings,
  kind: { readonly type: number; readonly machine: number },
): Uint8Array {
  const names = sections.map((s) => (s.name === '' ? 0 : strings.add(s.name)));
  (sections.at(-1) as OutputSection).data = strings.bytes();
  let end = ELF_HEADER_SIZE;
  const offsets = sections.map((s) => {
    const at = Math.ceil(end / 8) * 8;
    end = at + s.data.length;
    return at;
  });
  const headers = Math.ceil(end / 8) * 8;
  const bytes = new Uint8Array(headers + sections.length * SECTION_HEADER_SIZE);
  const view = new DataView(bytes.buffer);
  bytes.set([0x7f, 0x45, 0x4c, 0x46, ELFCLASS64, ELFDATA2LSB, 1]);
  view.setUint16(16, kind.type, true);
  view.setUint16(18, kind.machine, true);
  view.setUint32(20, 1, true);
  view.setBigUint64(40, BigInt(headers), true);
  view.setUint16(52, ELF_HEADER_SIZE, true);
  view.setUint16(58, SECTION_HEADER_SIZE, true);
  view.setUint16(60, sections.length, true);
  view.setUint16(62, sections.length - 1, true);
  sections.forEach((s, n) => {
    bytes.set(s.data, offsets[n]);
    const at = headers + n * SECTION_HEADER_SIZE;
    view.setUint32(at, names[n] ?? 0, true);
    view.setUint32(at + 4, s.type, true);
    view.setBigUint64(at + 8, BigInt(s.flags), true);
    view.setBigUint64(at + 16, s.address ?? 0n, true);
    view.setBigUint64(at + 24, BigInt(s.type === SHT_NULL ? 0 : (offsets[n] ?? 0)), true);
    view.setBigUint64(at + 32, BigInt(s.type === SHT_NOBITS ? (s.size ?? 0) : s.data.length), true);
    view.setUint32(at + 40, s.link, true);
    view.setUint32(at + 44, s.info, true);
    view.setBigUint64(at + 48, BigInt(s.align), true);
    view.setBigUint64(at + 56, BigInt(s.entsize), true);
  });
  return bytes;
}
