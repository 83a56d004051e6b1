/** Every operation of the loop: rows of instructions at their widths, with and without flags, fused with the branch behind; then the others. */
import { COMPARED, compared, TESTED, tested } from './conditions.ts';
import { branch, CONTROL } from './control.ts';
import type { Emitter, Width } from './emitter.ts';
import { INSNS } from './insns.ts';
import { MOVES } from './moves.ts';
import type { InsnRow, Operation } from './row.ts';

/** Widths at which comparisons are fused with their branch. */
const FUSED: readonly Width[] = [8, 32, 64];

function emitRow(e: Emitter, { kind, body, rule }: InsnRow, w: Width): void {
  const [a, b, r] = [e.local('a', w), e.local('b', w), e.local('r', w)];
  switch (kind) {
    case 'shift':
      e.operand('disp', w).set(a);
      e.operand('src', 8)
        .i32(w - 1)
        .op('i32.and')
        .set(e.k);
      break;
    case 'product':
      e.operand('disp', w).set(a).operand('src', w).set(b);
      break;
    case 'unary':
      e.operand('dst', w).set(a);
      break;
    default:
      e.operand('dst', w).set(a).operand('src', w).set(b);
  }
  body(e, w);
  e.set(r);
  if (kind !== 'compare') e.dst().get(r).toDst(w);
  rule?.(e, w);
}

const firstName = (row: InsnRow): string => row.mnemonics.split(' ')[0]!;

/** A row at a width; where somebody may not want its flags, with a twin behind it. */
function atWidth(row: InsnRow, w: Width, number: number): Operation[] {
  const name = `${firstName(row)}${w}`;
  const emit = (e: Emitter): void => {
    emitRow(e, row, w);
    e.next();
  };
  if (row.rule === undefined || row.kind === 'compare' || row.flags === 'looks')
    return [{ name, flags: row.flags, emit }];
  const { rule: _, ...bare } = row;
  return [
    { name, flags: row.flags, emit, twin: number + 1 },
    {
      name: `${name}n`,
      flags: 'none',
      emit: (e) => {
        emitRow(e, bare, w);
        e.next();
      },
    },
  ];
}

/** Compare and branch: flags are set as by the comparison, the condition is its operands'. */
function fusions(row: InsnRow, w: Width): Operation[] {
  const tests = row.mnemonics === 'test';
  return Object.entries(tests ? TESTED : COMPARED).map(([condition, { how }]) => ({
    name: `${row.mnemonics}${w}_${condition}`,
    flags: 'all',
    emit: (e) => {
      emitRow(e, row, w);
      if (tests) tested(e, w, how);
      else compared(e, w, how);
      branch(e);
    },
  }));
}

function all(): readonly Operation[] {
  const list: Operation[] = [...CONTROL, ...MOVES];
  for (const row of INSNS) for (const w of row.widths) list.push(...atWidth(row, w, list.length));
  for (const row of INSNS) {
    if (row.kind === 'compare') for (const w of FUSED) list.push(...fusions(row, w));
  }
  return list;
}

export const OPERATIONS: readonly Operation[] = all();
const NUMBERS = new Map(OPERATIONS.map(({ name }, n) => [name, n]));

/** An operation's number. @throws Error where there is none */
export function numberOf(name: string): number {
  const n = NUMBERS.get(name);
  if (n === undefined) throw new Error(`the stepping loop has no operation ${name}`);
  return n;
}

/** Numbers of a row's operations by width, -1 where it has none. */
const byWidth = (name: string): Readonly<Record<Width, number>> => ({
  8: NUMBERS.get(`${name}8`) ?? -1,
  16: NUMBERS.get(`${name}16`) ?? -1,
  32: NUMBERS.get(`${name}32`) ?? -1,
  64: NUMBERS.get(`${name}64`) ?? -1,
});

export interface LoopInsn {
  readonly row: InsnRow;
  readonly numbers: Readonly<Record<Width, number>>;
}
/** By the x86 table's mnemonic. */
export const BY_MNEMONIC: ReadonlyMap<string, LoopInsn> = new Map(
  INSNS.flatMap((row) => {
    const insn = { row, numbers: byWidth(firstName(row)) };
    return row.mnemonics.split(' ').map((mnemonic): [string, LoopInsn] => [mnemonic, insn]);
  }),
);

/** By a comparison's number and the code of a condition: the two in one. */
export const FUSIONS: ReadonlyMap<number, ReadonlyMap<number, number>> = new Map(
  FUSED.flatMap((w): [number, Map<number, number>][] => [
    [
      numberOf(`cmp${w}`),
      new Map(Object.entries(COMPARED).map(([name, { code }]) => [code, numberOf(`cmp${w}_${name}`)])),
    ],
    [
      numberOf(`test${w}`),
      new Map(
        Object.entries(TESTED).flatMap(([name, { codes }]) =>
          codes.map((code): [number, number] => [code, numberOf(`test${w}_${name}`)]),
        ),
      ),
    ],
  ]),
);
