/** The loop from its rows: rows of instructions at their widths, with and without flags, fused with the branch behind; then the others. */
import { I32, ModuleBuilder } from '../../wasm/encoder.ts';
import { COMPARED, compared, conditionFunction, FUSED, TESTED, tested } from './conditions.ts';
import { branch, CONTROL } from './control.ts';
import { Emitter, type Width } from './emitter.ts';
import { INSNS } from './insns.ts';
import { CONDITION_FUNCTION, MOVES } from './moves.ts';
import { firstName, type InsnRow, type Operation } from './row.ts';
import { SYSTEM } from './system.ts';

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
  const list: Operation[] = [...CONTROL, ...MOVES, ...SYSTEM];
  for (const row of INSNS) for (const w of row.widths) list.push(...atWidth(row, w, list.length));
  for (const row of INSNS) {
    if (row.kind === 'compare') for (const w of FUSED) list.push(...fusions(row, w));
  }
  return list;
}

/** Every operation: its number is its index. */
export const OPERATIONS: readonly Operation[] = all();

/**
 * The module: one function, the same for every machine, that executes micro-operations (slot.ts) until a block boundary
 * finds fewer instructions left than a block may have, or the host says so. `shared`: over memory of that kind.
 */
export function loopBytes(shared: boolean): Uint8Array {
  const builder = new ModuleBuilder(1, 65536);
  const host = builder.import('host', [I32], [I32]);
  if (builder.add(conditionFunction()) !== CONDITION_FUNCTION) throw new Error('the condition function has moved');
  builder.add(
    new Emitter().loop(
      host,
      OPERATIONS.map(({ emit }) => emit),
    ),
    'loop',
  );
  return builder.encode(shared);
}
