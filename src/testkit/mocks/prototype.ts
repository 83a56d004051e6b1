/** What a function that programs call takes, by name: a helper by its row of the tables, a kfunc by the kernel's BTF. */

import { helperId, helperRows } from '../../../kernel-sim/bpf/helpers/index.ts';
import { kfuncNames, kfuncRow } from '../../../kernel-sim/bpf/kfuncs/index.ts';
import type { Kernel } from '../../../kernel-sim/index.ts';
import type { Btf } from '../../btf/index.ts';
import { ArgumentError } from '../../errors/argument.ts';
import { nearestText } from '../../errors/near.ts';

/** What an argument is, and so what it is shown as. */
export type ParameterKind =
  /** number, with its sign where it has one */
  | 'u32'
  | 's32'
  /** bigint */
  | 'u64'
  | 's64'
  /** the map */
  | 'map'
  /** bytes, as many as the map's keys or values have */
  | 'key'
  | 'value'
  /** bytes, as many as the argument behind it says */
  | 'mem'
  /** string */
  | 'str'
  /** address, as a bigint */
  | 'address';

export interface Parameter {
  readonly name: string;
  readonly kind: ParameterKind;
  /** bytes behind a pointer that always are as many */
  readonly bytes?: number;
  /** the function writes there: what is there before the call means nothing */
  readonly out: boolean;
}
export interface Prototype {
  /** as programs call it: `bpf_map_update_elem` */
  readonly name: string;
  readonly parameters: readonly Parameter[];
  /** functions of the kernel that stand for it */
  readonly symbols: readonly string[];
}

const KINDS: Readonly<Record<string, ParameterKind>> = {
  u32: 'u32',
  int: 's32',
  s32: 's32',
  size: 'u32',
  size0: 'u32',
  alloc_size0: 'u32',
  u64: 'u64',
  s64: 's64',
  map: 'map',
  key: 'key',
  value: 'value',
  mem: 'mem',
  str: 'str',
};

/** `out mem[8] res` */
function parameter(text: string): Parameter {
  const words = text.split(' ');
  const name = words.pop() ?? '';
  const [, type = '', bytes] = /^(\w+)(?:\[(\d+)\])?\??$/.exec(words.pop() ?? '') ?? [];
  const kind = words.at(-1) === 'struct' ? 'address' : (KINDS[type] ?? 'address');
  return { name, kind, out: words.includes('out'), ...(bytes === undefined ? {} : { bytes: Number(bytes) }) };
}

function ofHelper(name: string): Prototype | undefined {
  const id = helperId(name);
  const rows = id === undefined ? [] : helperRows(id);
  const [first] = rows;
  if (first === undefined) return undefined;
  const list = /\((.*)\)/.exec(first.signature)?.[1] ?? '';
  const symbols = rows.map((row) => (row.symbol === undefined ? `bpf_${row.name}` : row.symbol));
  return {
    name: `bpf_${first.name}`,
    parameters: list
      .split(', ')
      .filter((text) => text !== '' && text !== '...')
      .map(parameter),
    symbols: [...new Set(symbols.filter((symbol) => symbol !== null))],
  };
}

function ofKfunc(btf: Btf, name: string): Prototype | undefined {
  if (kfuncRow(name) === undefined) return undefined;
  const func = btf.typeById(btf.findByName(name, 'func'));
  const proto = func.kind === 'func' ? btf.typeById(func.type) : undefined;
  if (proto?.kind !== 'func_proto') return undefined;
  return {
    name,
    parameters: proto.params.map((p) => ({ name: p.name, kind: kindOf(btf, p.type), out: false })),
    symbols: [name],
  };
}

function kindOf(btf: Btf, id: number): ParameterKind {
  const type = btf.resolve(id);
  if (type.kind === 'int') return `${type.signed ? 's' : 'u'}${type.size > 4 ? 64 : 32}`;
  if (type.kind === 'enum') return 'u32';
  if (type.kind !== 'ptr') return 'address';
  const to = type.type === 0 ? undefined : btf.resolve(type.type);
  return to?.kind === 'int' && to.size === 1 && to.name === 'char' ? 'str' : 'address';
}

/** @throws ArgumentError: neither helper nor kfunc, with near ones; a helper that is no function (bpf_tail_call) */
export function prototypeOf(kernel: Kernel, name: string): Prototype {
  const found = ofKfunc(kernel.btf, name) ?? ofHelper(name);
  if (found === undefined) {
    const known = [...helperNames(), ...kfuncNames()];
    throw new ArgumentError('name', `'${name}' is neither a helper nor a kfunc${nearestText(name, known)}`);
  }
  const symbols = found.symbols.filter((symbol) => kernel.symbols.find(symbol) !== undefined);
  if (symbols.length === 0)
    throw new ArgumentError(
      'name',
      `${found.name} is no function of the kernel: programs get instructions in its place`,
    );
  return { ...found, symbols };
}

function helperNames(): string[] {
  const names: string[] = [];
  for (let id = 1; ; id++) {
    const [row] = helperRows(id);
    if (row === undefined && id > LAST_HELPER) return names;
    if (row !== undefined) names.push(`bpf_${row.name}`);
  }
}
const LAST_HELPER = 211;
