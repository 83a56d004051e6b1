/**
 * Assembler of the text that the disassembler prints, from the same table.
 *
 *     start:                           ; labels stand for jump and call targets
 *        0: (b7) r0 = 0                ; lines of an xlated dump or a verifier log, as they are
 *     r1 = *(u64 *)(r10 -8)            // or plain, without index and opcode
 *     if r1 == 0x7 goto start
 *     r2 = 0x123456789 ll              ; wide load; without ll where the value needs it
 *     r1 = map[id:5]
 *     call bpf_trace_printk#6
 *     exit
 */
import { checkArgument } from '../errors/argument.ts';
import * as is from '../errors/checks.ts';
import { EmuError } from '../errors/index.ts';
import { type Insn, insn } from './insn.ts';
import * as op from './opcodes.ts';
import { type InsnRow, rowsOf, table } from './table.ts';

/** Text that is no instruction; `line` counts from 1. */
export class AsmError extends EmuError {
  override readonly name = 'AsmError';
  readonly line: number;
  constructor(message: string, line: number) {
    super('ERR_ASM', `line ${line}: ${message}`, { where: `line ${line}` });
    this.line = line;
  }
}

export interface AsmOptions {
  /** number of a helper (`src` 0) or kfunc (`src` 2) called by name alone */
  readonly call?: (name: string) => { src: number; imm: number } | undefined;
}

export interface Assembled {
  readonly insns: Insn[];
  /** slot index of each label */
  readonly labels: ReadonlyMap<string, number>;
  /** source line of each slot, from 1 */
  readonly lines: readonly number[];
}

const NUMBER = '-?(?:0x[0-9a-f]+|\\d+)';
/** A jump's target: relative `pc+1`, `+1`, or a label. */
const TARGET = '(?:pc\\s*)?[+-]\\s*(?:0x[0-9a-f]+|\\d+)|[A-Za-z_.$][\\w.$]*';
const TOKENS: Readonly<Record<string, string>> = {
  dst: '\\d+',
  src: '\\d+',
  imm: NUMBER,
  ximm: NUMBER,
  off: '(?:[+-]\\s*(?:0x[0-9a-f]+|\\d+))?',
  jump: TARGET,
  jump32: TARGET,
  spaces: '\\d+\\s*,\\s*\\d+',
  wide: `${NUMBER}(?:\\s*ll)?|map\\[id:\\d+\\](?:\\[0\\]\\+\\d+)?|map\\[idx:\\d+\\](?:\\+\\d+)?|subprog\\[[+-]\\d+\\]|btf\\[\\d+\\]`,
  call: '\\S+',
};

interface Matcher {
  readonly row: InsnRow;
  readonly regexp: RegExp;
  readonly tokens: readonly string[];
}

const matchers = new Map<InsnRow, Matcher>();

/** The row's text as a regular expression: blanks are optional, a token that repeats must repeat its value. */
function matcher(row: InsnRow): Matcher {
  let found = matchers.get(row);
  if (found) return found;
  const tokens: string[] = [];
  const source = row.text
    .split(/(\{\w+\})/)
    .map((part) => {
      const token = /^\{(\w+)\}$/.exec(part)?.[1];
      if (token === undefined) return part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&').replace(/ /g, '\\s*');
      if (tokens.includes(token)) return `\\${tokens.indexOf(token) + 1}`;
      tokens.push(token);
      return `(${TOKENS[token]})`;
    })
    .join('');
  found = { row, regexp: new RegExp(`^${source}$`, 'i'), tokens };
  matchers.set(row, found);
  return found;
}

interface Line {
  readonly number: number;
  readonly text: string;
  readonly code: number | undefined;
}

/** A slot whose target is known only when all labels are. */
interface Fixup {
  readonly slot: number;
  readonly field: 'off' | 'imm';
  readonly label: string;
  readonly line: number;
}

/** Assembles `source`. @throws AsmError naming the line. */
export function assemble(source: string, options: AsmOptions = {}): Assembled {
  checkArgument('source', source, is.text);
  checkArgument('options', options, is.object);
  const insns: Insn[] = [];
  const lines: number[] = [];
  const labels = new Map<string, number>();
  const fixups: Fixup[] = [];
  source.split('\n').forEach((raw, at) => {
    const number = at + 1;
    let text = raw.replace(/;.*$|\/\/.*$|^\s*#.*$/, '').trim();
    for (let label = /^([A-Za-z_.$][\w.$]*):\s*/.exec(text); label; label = /^([A-Za-z_.$][\w.$]*):\s*/.exec(text)) {
      const name = label[1] as string;
      if (labels.has(name)) throw new AsmError(`label ${name} is defined twice`, number);
      labels.set(name, insns.length);
      text = text.slice(label[0].length);
    }
    const prefix = /^(?:\d+:\s*)?(?:\(([0-9a-f]{2})\)\s*)?/i.exec(text);
    text = text.slice(prefix?.[0].length ?? 0).trim();
    if (text === '') return;
    const code = prefix?.[1] === undefined ? undefined : Number.parseInt(prefix[1], 16);
    const made = one({ number, text, code }, insns.length, options, fixups);
    for (const slot of made) {
      insns.push(slot);
      lines.push(number);
    }
  });
  for (const { slot, field, label, line } of fixups) {
    const target = labels.get(label);
    if (target === undefined) throw new AsmError(`label ${label} is not defined`, line);
    (insns[slot] as Insn)[field] = bounded(target - slot - 1, field === 'off' ? 16 : 32, line);
  }
  return { insns, labels, lines };
}

function one(line: Line, slot: number, options: AsmOptions, fixups: Fixup[]): Insn[] {
  if (/^call\s/i.test(line.text) && (line.code === undefined || line.code === 0x85))
    return [call(line, slot, options, fixups)];
  const candidates = line.code === undefined ? table : rowsOf(line.code);
  for (const row of candidates) {
    if (line.code === undefined && row.internal) continue;
    const match = matcher(row).regexp.exec(line.text);
    if (!match) continue;
    const values = new Map(matcher(row).tokens.map((token, n) => [token, (match[n + 1] as string).trim()]));
    const made = build(row, values, line, slot, fixups);
    if (made) return made;
  }
  throw new AsmError(`no instruction has the form "${line.text}"`, line.number);
}

function build(
  row: InsnRow,
  values: Map<string, string>,
  line: Line,
  slot: number,
  fixups: Fixup[],
): Insn[] | undefined {
  const made = insn(row.code, row.select.dst ?? 0, row.select.src ?? 0, row.select.off ?? 0, row.select.imm ?? 0);
  if (values.has('wide')) return wide(row, made, values, line);
  for (const [token, value] of values) {
    switch (token) {
      case 'dst':
      case 'src':
        made[token] = Number(value);
        if (made[token] > 15) throw new AsmError(`register r${value} does not exist`, line.number);
        break;
      case 'imm':
      case 'ximm': {
        const n = integer(value);
        // a plain move of what needs 64 bits is a wide load: leave it to that row
        if (row.kind === 'mov' && row.bits === 64 && (n < -0x80000000 || n > 0x7fffffff)) return undefined;
        made.imm = bounded(n, 32, line.number);
        break;
      }
      case 'off':
        made.off = bounded(value === '' ? 0 : integer(value), 16, line.number);
        break;
      case 'spaces': {
        const [to, from] = value.split(',').map(Number) as [number, number];
        made.imm = (to << 16) | from;
        break;
      }
      case 'jump':
        jump(made, 'off', value, line, slot, fixups);
        break;
      case 'jump32':
        jump(made, 'imm', value, line, slot, fixups);
        break;
      default:
        throw new AsmError(`cannot assemble {${token}}`, line.number);
    }
  }
  return [made];
}

function jump(made: Insn, field: 'off' | 'imm', value: string, line: Line, slot: number, fixups: Fixup[]): void {
  const relative = /^(?:pc\s*)?([+-].*)$/i.exec(value)?.[1];
  if (relative === undefined) fixups.push({ slot, field, label: value, line: line.number });
  else made[field] = bounded(integer(relative), field === 'off' ? 16 : 32, line.number);
}

function call(line: Line, slot: number, options: AsmOptions, fixups: Fixup[]): Insn {
  const text = line.text.replace(/^call\s+/i, '').trim();
  const made = insn(op.BPF_JMP | op.BPF_CALL, 0, 0, 0, 0);
  const local = /^pc\s*([+-]\s*\d+)(?:#.*)?$/.exec(text)?.[1];
  const numbered = /^(?:([\w.]+)#)?(-?(?:0x[0-9a-f]+|\d+))$/i.exec(text);
  if (local !== undefined) {
    made.src = op.BPF_PSEUDO_CALL;
    made.imm = integer(local);
  } else if (numbered) {
    if (numbered[1] === 'kernel-function' || numbered[1] === 'kfunc') made.src = op.BPF_PSEUDO_KFUNC_CALL;
    made.imm = bounded(integer(numbered[2] as string), 32, line.number);
  } else {
    const known = options.call?.(text);
    if (known) {
      made.src = known.src;
      made.imm = known.imm;
    } else if (/^[A-Za-z_.$][\w.$]*$/.test(text)) {
      made.src = op.BPF_PSEUDO_CALL;
      fixups.push({ slot, field: 'imm', label: text, line: line.number });
    } else throw new AsmError(`no function has the form "${text}"`, line.number);
  }
  return made;
}

const WIDE_FORMS: readonly (readonly [RegExp, number])[] = [
  [/^map\[id:(\d+)\]$/, op.BPF_PSEUDO_MAP_FD],
  [/^map\[id:(\d+)\]\[0\]\+(\d+)$/, op.BPF_PSEUDO_MAP_VALUE],
  [/^map\[idx:(\d+)\]$/, op.BPF_PSEUDO_MAP_IDX],
  [/^map\[idx:(\d+)\]\+(\d+)$/, op.BPF_PSEUDO_MAP_IDX_VALUE],
  [/^subprog\[([+-]\d+)\]$/, op.BPF_PSEUDO_FUNC],
  [/^btf\[(\d+)\]$/, op.BPF_PSEUDO_BTF_ID],
];

function wide(row: InsnRow, made: Insn, values: Map<string, string>, line: Line): Insn[] | undefined {
  const text = (values.get('wide') as string).toLowerCase();
  made.dst = Number(values.get('dst'));
  if (made.dst > 15) throw new AsmError(`register r${made.dst} does not exist`, line.number);
  for (const [form, src] of WIDE_FORMS) {
    const match = form.exec(text);
    if (!match) continue;
    if (row.select.src !== src) return undefined;
    made.imm = Number(match[1]);
    return [made, insn(0, 0, 0, 0, Number(match[2] ?? 0))];
  }
  if (row.select.src !== 0) return undefined;
  const number = /^(-?)(\S+?)(?:\s*ll)?$/.exec(text);
  const value = BigInt(number?.[2] as string) * (number?.[1] === '-' ? -1n : 1n);
  if (value >= 1n << 64n || value < -(1n << 63n)) throw new AsmError(`${text} needs more than 64 bits`, line.number);
  made.imm = Number(BigInt.asIntN(32, value));
  return [made, insn(0, 0, 0, 0, Number(BigInt.asIntN(32, value >> 32n)))];
}

function integer(text: string): number {
  const parts = /^([+-]?)\s*(.*)$/.exec(text);
  return Number(parts?.[2]) * (parts?.[1] === '-' ? -1 : 1);
}

/** Checks that a number fits in a field; unsigned spellings of 32-bit immediates are taken. */
function bounded(value: number, bits: 16 | 32, line: number): number {
  const limit = 2 ** (bits - 1);
  if (value < -limit || value >= (bits === 32 ? 2 * limit : limit))
    throw new AsmError(`${value} does not fit in ${bits} bits`, line);
  return bits === 32 ? value | 0 : value;
}
