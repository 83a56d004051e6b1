/**
 * Rows by opcode map and opcode, the most specific first: a spelled-out ModRM byte, then F2/F3, then
 * REX.W, then 66, then the plain row. So `66 REX.W 03` is the 64-bit form, as on a processor, and F2/F3
 * before an instruction that does not know it is ignored.
 *
 * A row's notation is parsed when its opcode is first met; the index itself reads no more than the opcode.
 */
import { type Form, form } from './row.ts';
import { table } from './table.ts';

/** Added to the opcode map (1 `0F`, 2 `0F 38`, 3 `0F 3A`) of rows with a VEX prefix. */
export const VEX_MAPS = 4;

const rowsOf: (number[] | undefined)[] = [];
const candidates: (readonly Form[] | undefined)[] = [];

/** Forms with the opcode `key` & 255 in the map `key` >> 8. */
export function candidatesOf(key: number): readonly Form[] | undefined {
  const known = candidates[key];
  if (known !== undefined) return known;
  if (rowsOf.length === 0) indexRows();
  const rows = rowsOf[key];
  if (rows === undefined) return undefined;
  const found = rows.map(form).sort((a, b) => weight(b) - weight(a) || a.row - b.row);
  candidates[key] = found;
  return found;
}

const weight = (f: Form): number =>
  (f.modrm >= 0x100 ? 16 : 0) +
  (f.prefix === 0xf2 || f.prefix === 0xf3 ? 8 : 0) +
  (f.w ? 4 : 0) +
  (f.prefix === 0x66 || f.opsize ? 2 : 0) +
  (f.plusR ? 0 : 1);

function indexRows(): void {
  for (let i = 0; i < (VEX_MAPS * 2) << 8; i++) rowsOf.push(undefined);
  for (let row = 0; row < table.length; row++) {
    const encoding = (table[row] as { encoding: string }).encoding;
    const key = opcodeKey(encoding);
    const last = encoding.includes('+r') ? key + 7 : key;
    for (let k = key; k <= last; k++) {
      const list = rowsOf[k];
      if (list === undefined) rowsOf[k] = [row];
      else list.push(row);
    }
  }
}

/** Value of an upper-case hexadecimal digit, -1 for anything else. */
const digit = (c: number): number => (c >= 48 && c <= 57 ? c - 48 : c >= 65 && c <= 70 ? c - 55 : -1);

/** Map and opcode of an encoding: the first byte that is neither a prefix nor an escape. */
function opcodeKey(encoding: string): number {
  let map = 0;
  let at = 0;
  if (encoding.startsWith('VEX')) {
    map = VEX_MAPS + (encoding.includes('0F38') ? 2 : encoding.includes('0F3A') ? 3 : 1);
    at = encoding.indexOf(' ') + 1;
  }
  for (; ; at = encoding.indexOf(' ', at) + 1) {
    const low = digit(encoding.charCodeAt(at + 1));
    const high = digit(encoding.charCodeAt(at));
    if (high < 0 || low < 0) continue; // NP, NFx, N66, W0, REX.W
    const byte = (high << 4) | low;
    if (map === 0 && (byte === 0x66 || byte === 0xf2 || byte === 0xf3)) continue;
    if (map === 0 && byte === 0x0f) map = 1;
    else if (map === 1 && byte === 0x38) map = 2;
    else if (map === 1 && byte === 0x3a) map = 3;
    else return (map << 8) | byte;
  }
}
