/**
 * What programs put into the records that they send: sizes, and where they store how many bytes. Read from instructions in
 * their order, without following branches: enough to tell one structure of the program's from another of the same size.
 */
import { helperName } from '../../../kernel-sim/bpf/helpers/index.ts';
import { INSN_SIZE, type Insn } from '../../isa/index.ts';
import type { FunctionDef, ObjectModel } from '../../object/index.ts';

/** A store into a record. */
export interface Fill {
  /** bytes from the record's begin */
  readonly at: number;
  /** bytes */
  readonly size: number;
  /** a string, or addresses, that a helper writes; else numbers */
  readonly kind: 'number' | 'text' | 'addresses';
  /** what the C line names: `pid` of `event.pid = pid;` */
  readonly name: string | undefined;
}

/** Stores into the records of one map. */
export interface Stores {
  /** sizes of the records, where they are constants */
  readonly sizes: ReadonlySet<number>;
  /** one for each place and size */
  readonly fills: ReadonlyMap<string, Fill>;
}

interface Found {
  readonly sizes: Set<number>;
  readonly fills: Map<string, Fill>;
}

type Place = 'record' | 'stack';
type Known =
  | { readonly kind: 'place'; readonly place: Place; readonly offset: number }
  | { readonly kind: 'number'; readonly value: number }
  | { readonly kind: 'map'; readonly name: string }
  | undefined;

const FP = 10;
const CLASS = { LD: 0, LDX: 1, ST: 2, STX: 3, ALU: 4, JMP: 5, JMP32: 6, ALU64: 7 };
const SIZE_OF = [4, 2, 1, 8];
const CALL = 0x85;
const LD_IMM64 = 0x18;

/** Registers of the call that say which map, which memory, and how many bytes. */
const SENDS: Readonly<Record<string, { readonly map: number; readonly data: number; readonly size: number }>> = {
  ringbuf_output: { map: 1, data: 2, size: 3 },
  perf_event_output: { map: 2, data: 4, size: 5 },
  skb_output: { map: 2, data: 4, size: 5 },
  xdp_output: { map: 2, data: 4, size: 5 },
};
/** Helpers that fill memory: destination, and bytes. */
const FILLS: Readonly<Record<string, { readonly data: number; readonly size: number }>> = {
  get_current_comm: { data: 1, size: 2 },
  probe_read: { data: 1, size: 2 },
  probe_read_str: { data: 1, size: 2 },
  probe_read_user: { data: 1, size: 2 },
  probe_read_user_str: { data: 1, size: 2 },
  probe_read_kernel: { data: 1, size: 2 },
  probe_read_kernel_str: { data: 1, size: 2 },
  skb_load_bytes: { data: 3, size: 4 },
  get_stack: { data: 2, size: 3 },
};

interface CLine {
  readonly text: string;
  /** from 1: the operator of an assignment, the begin of a call */
  readonly column: number;
}
const NO_LINE: CLine = { text: '', column: 0 };

class Scan {
  readonly #func: FunctionDef;
  readonly #maps = new Map<number, string>();
  #regs: Known[] = [];
  /** spilled registers by their place on the stack */
  readonly #spilled = new Map<number, Known>();
  /** stores on the stack, and to what a pointer leads that the program got from elsewhere */
  readonly #stack: Fill[] = [];
  #record: Map<string, Fill> | undefined;
  readonly #found: Map<string, Found>;
  readonly #lineOf: (insn: number) => CLine;
  /** the C line of the instruction that is looked at */
  #line: CLine = NO_LINE;

  constructor(func: FunctionDef, found: Map<string, Found>, lineOf: (insn: number) => CLine) {
    this.#func = func;
    this.#found = found;
    this.#lineOf = lineOf;
    for (const r of func.relocs) if (r.kind === 'map') this.#maps.set(r.insn, r.map.realName);
  }

  #of(map: string): Found {
    const known = this.#found.get(map);
    if (known) return known;
    const made: Found = { sizes: new Set(), fills: new Map() };
    this.#found.set(map, made);
    return made;
  }

  run(): void {
    this.#regs[FP] = { kind: 'place', place: 'stack', offset: 0 };
    for (const [n, insn] of this.#func.insns.entries()) {
      this.#line = this.#lineOf(n);
      this.#step(insn, n);
    }
  }

  #step(insn: Insn, n: number): void {
    const { code, dst, src, off, imm } = insn;
    const size = SIZE_OF[(code >> 3) & 3] as number;
    switch (code & 7) {
      case CLASS.LD:
        if (code === LD_IMM64) {
          const name = this.#maps.get(n);
          this.#regs[dst] = name === undefined ? undefined : { kind: 'map', name };
        }
        return;
      case CLASS.LDX: {
        const from = this.#regs[src];
        const spilled =
          from?.kind === 'place' && from.place === 'stack' ? this.#spilled.get(from.offset + off) : undefined;
        this.#regs[dst] = size === 8 ? spilled : undefined;
        return;
      }
      case CLASS.ST:
      case CLASS.STX: {
        const to = this.#regs[dst];
        if (to?.kind !== 'place') return;
        // zeroes clear several members at once, and tell nothing
        const what: Known = (code & 7) === CLASS.ST ? { kind: 'number', value: imm } : this.#regs[src];
        if (what?.kind !== 'number' || what.value !== 0) this.#store(to.place, to.offset + off, size);
        if (to.place !== 'stack') return;
        if ((code & 7) === CLASS.STX && size === 8) this.#spilled.set(to.offset + off, this.#regs[src]);
        else this.#spilled.delete(to.offset + off);
        return;
      }
      case CLASS.ALU:
      case CLASS.ALU64:
        this.#alu(code, dst, src, imm);
        return;
      default:
        if (code === CALL && src === 0) this.#call(helperName(imm));
    }
  }

  #alu(code: number, dst: number, src: number, imm: number): void {
    const byRegister = (code & 8) !== 0;
    const op = code & 0xf0;
    const now = this.#regs[dst];
    const operand: Known = byRegister ? this.#regs[src] : { kind: 'number', value: imm };
    if (op === 0xb0) this.#regs[dst] = operand;
    else if (op === 0 && now?.kind === 'place' && operand?.kind === 'number')
      this.#regs[dst] = { ...now, offset: now.offset + operand.value };
    else this.#regs[dst] = undefined;
  }

  #store(place: Place, at: number, size: number, kind: Fill['kind'] = 'number'): void {
    const fill: Fill = { at, size, kind, name: memberOf(this.#line) };
    if (place === 'stack') this.#stack.push(fill);
    else remember(this.#record, fill);
  }

  #call(helper: string): void {
    const args = this.#regs;
    const number = (n: number): number | undefined => (args[n]?.kind === 'number' ? args[n].value : undefined);
    const fill = FILLS[helper];
    const sends = SENDS[helper];
    let result: Known;
    if (fill) {
      const to = args[fill.data];
      const size = number(fill.size);
      if (to?.kind === 'place' && size !== undefined)
        this.#store(
          to.place,
          to.offset,
          size,
          helper === 'get_stack' ? 'addresses' : /comm|str/.test(helper) ? 'text' : 'number',
        );
    } else if (helper === 'ringbuf_reserve' && args[1]?.kind === 'map') {
      const stores = this.#of(args[1].name);
      const size = number(2);
      if (size !== undefined) stores.sizes.add(size);
      this.#record = stores.fills;
      result = { kind: 'place', place: 'record', offset: 0 };
    } else if (helper === 'map_lookup_elem') {
      // a record that is put together in a map's value, as on 512 bytes of stack it would have no room
      this.#record = new Map();
      result = { kind: 'place', place: 'record', offset: 0 };
    } else if (sends) this.#send(args[sends.map], args[sends.data], number(sends.size));
    for (let n = 1; n <= 5; n++) this.#regs[n] = undefined;
    this.#regs[0] = result;
  }

  #send(map: Known, data: Known, size: number | undefined): void {
    if (map?.kind !== 'map') return;
    const stores = this.#of(map.name);
    if (size !== undefined) stores.sizes.add(size);
    if (data?.kind !== 'place') return;
    if (data.place === 'record') for (const fill of this.#record?.values() ?? []) remember(stores.fills, fill);
    else
      for (const fill of this.#stack) {
        const at = fill.at - data.offset;
        if (at >= 0 && (size === undefined || at < size)) remember(stores.fills, { ...fill, at });
      }
  }
}

/** The first store to a place that has a name is kept. */
function remember(fills: Map<string, Fill> | undefined, fill: Fill): void {
  const key = `${fill.at}:${fill.size}`;
  const known = fills?.get(key);
  if (known === undefined || (known.name === undefined && fill.name !== undefined)) fills?.set(key, fill);
}

/** What a line assigns to, or gives to a helper to fill: `event->pid = ...`, `bpf_get_current_comm(&event.comm, ...)`. */
const MEMBERS = /(?:->|\.)(\w+)(?:\[[^\]]*\])?(?:\s*[-+|]?=(?!=)|\s*,|\s*\))/g;

/** Of several on a line the one that the column is at, or the first behind it. */
function memberOf({ text, column }: CLine): string | undefined {
  const all = [...text.matchAll(MEMBERS)];
  const at = column - 1;
  const here = all.find((m) => at >= m.index && at < m.index + m[0].length) ?? all.find((m) => m.index >= at) ?? all[0];
  return here?.[1];
}

/** Stores by the name of the map that takes the records. */
export function storesOf(model: ObjectModel): ReadonlyMap<string, Stores> {
  const found = new Map<string, Found>();
  for (const func of model.functions) new Scan(func, found, linesOf(model, func)).run();
  return found;
}

/** Text of the C line that an instruction of a function belongs to. */
function linesOf({ btf, btfExt }: ObjectModel, func: FunctionDef): (insn: number) => CLine {
  // as in the file: in bytes from the section's begin
  const lines = (btfExt?.lines.get(func.rawSectionName) ?? []).filter((l) => l.insnOff >= func.start * INSN_SIZE);
  let next = 0;
  return (insn) => {
    while (next < lines.length && (lines[next]?.insnOff ?? 0) <= (func.start + insn) * INSN_SIZE) next++;
    const line = lines[next - 1];
    return line && btf ? { text: btf.string(line.lineOff), column: line.lineCol & 0x3ff } : NO_LINE;
  };
}
