/**
 * Rows by opcode map and opcode, the most specific first: a spelled-out ModRM byte, then F2/F3, then
 * REX.W, then 66, then the plain row. So `66 REX.W 03` is the 64-bit form, as on a processor, and F2/F3
 * before an instruction that does not know it is ignored.
 *
 * A row's notation is parsed when its opcode is first met; the index itself reads no more than the opcode.
 */
import { PREFIX } from './insn.ts';
import { type Form, form } from './row.ts';
import { table } from './table.ts';

/** Added to the opcode map (1 `0F`, 2 `0F 38`, 3 `0F 3A`) of rows with a VEX prefix. */
export const VEX_MAPS = 4;

interface Opcode {
  readonly forms: readonly Form[];
  /** a form spells out its ModRM byte, so that `chosen` cannot tell forms apart */
  readonly spelled: boolean;
  /** by prefixes and ModRM's mod and reg: the form, null where there is none */
  readonly chosen: Map<number, Form | null>;
}

const rowsOf: (number[] | undefined)[] = [];
const opcodes: (Opcode | undefined)[] = [];

function opcodeOf(key: number): Opcode | undefined {
  if (rowsOf.length === 0) indexRows();
  const rows = rowsOf[key];
  if (rows === undefined) return undefined;
  const forms = rows.map(form).sort((a, b) => weight(b) - weight(a) || a.row - b.row);
  const found: Opcode = { forms, spelled: forms.some((f) => f.modrm >= 0x100), chosen: new Map() };
  opcodes[key] = found;
  return found;
}

/**
 * The form with the opcode `key` & 255 in the map `key` >> 8.
 * `modrm`: the byte behind the opcode, -1 where there is none; `last`: the last of F2 and F3, or VEX's prefix.
 */
export function select(
  key: number,
  modrm: number,
  prefixes: number,
  last: number,
  rex: number,
  w: boolean,
  vvvv: boolean,
): Form | undefined {
  const opcode = opcodes[key] ?? opcodeOf(key);
  if (opcode === undefined) return undefined;
  const vex = key >= VEX_MAPS << 8;
  const p66 = (prefixes & PREFIX.OPSIZE) !== 0;
  if (modrm < 0 || opcode.spelled) return find(opcode.forms, key, modrm, p66, last, rex, w, vex, vvvv);
  const state =
    ((modrm >> 3) & 7) |
    (modrm >= 0xc0 ? 8 : 0) |
    (w ? 16 : 0) |
    (p66 ? 32 : 0) |
    (last === 0 ? 0 : last === 0xf3 ? 64 : last === 0xf2 ? 128 : 192) |
    ((rex & 1) << 8) |
    (vvvv ? 512 : 0);
  const known = opcode.chosen.get(state);
  if (known !== undefined) return known ?? undefined;
  const found = find(opcode.forms, key, modrm, p66, last, rex, w, vex, vvvv);
  opcode.chosen.set(state, found ?? null);
  return found;
}

function find(
  forms: readonly Form[],
  key: number,
  modrm: number,
  p66: boolean,
  last: number,
  rex: number,
  w: boolean,
  vex: boolean,
  vvvv: boolean,
): Form | undefined {
  return forms.find((f) => {
    const m = f.modrm;
    if (m >= 0) {
      if (modrm < 0) return false;
      if (m >= 0x100 && modrm !== (m & 0xff)) return false;
      if (m < 8 && ((modrm >> 3) & 7) !== m) return false;
      const rm = m < 0x100 ? f.operands.find((o) => o.place === 'rm') : undefined;
      if (rm !== undefined && !(modrm >= 0xc0 ? rm.allowReg : rm.allowMem)) return false;
    }
    if (vex) return f.prefix === last && f.w === w && (!vvvv || f.operands.some((o) => o.place === 'vvvv'));
    if (p66 && (f.refuse & 4 || (f.refuse & 1 && !w))) return false;
    if (f.refuse & 2 && last !== 0) return false;
    if (f.refuse & 8 && w) return false;
    if (f.w && !w) return false;
    if ((f.prefix === 0x66 || f.opsize) && !p66) return false;
    if (f.prefix > 0x66 && f.prefix !== last) return false;
    // 90 is nop (pause) rather than xchg with rax; with REX.B it exchanges r8
    return f.opcode !== 0x90 || f.map !== 0 || (f.plusR ? key !== 0x90 || (rex & 1) !== 0 : (rex & 1) === 0);
  });
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
