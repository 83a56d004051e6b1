/** Moves, addresses, memory and the stack: operations that instructions are put together from. */
import { CPU, RAX, RBP, RDX, RSP } from '../../cpu.ts';
import { CPU_PHYS } from '../../layout.ts';
import type { OpName } from '../../wasm/encoder.ts';
import type { Emitter, Width } from './emitter.ts';
import type { Operation } from './row.ts';
import { SLOT } from './slot.ts';

const register = (n: number): number => CPU_PHYS + CPU.regs + 8 * n;

/** Index of the function of conditions.ts in the module: behind the imported one. */
export const CONDITION_FUNCTION = 1;

const next = (name: string, flags: Operation['flags'], emit: (e: Emitter) => void): Operation => ({
  name,
  flags,
  emit: (e) => {
    emit(e);
    e.next();
  },
});

/** What narrow values become in a register; sx to 64 bits, or to 32 with the upper half zero. */
const EXTENSIONS: readonly (readonly [name: string, from: Width, ops: readonly OpName[]])[] = [
  ['movzx8', 8, ['i64.extend_i32_u']],
  ['movzx16', 16, ['i64.extend_i32_u']],
  ['movsx8', 8, ['i64.extend_i32_u', 'i64.extend8_s']],
  ['movsx16', 16, ['i64.extend_i32_u', 'i64.extend16_s']],
  ['movsx32', 32, ['i64.extend_i32_s']],
  ['movsx8to32', 8, ['i32.extend8_s', 'i64.extend_i32_u']],
  ['movsx16to32', 16, ['i32.extend16_s', 'i64.extend_i32_u']],
];

/** Loads: what comes into the register, which is 64 bits wide. */
const LOADS: readonly (readonly [name: string, size: number, load: OpName, then?: OpName])[] = [
  ['load64', 8, 'i64.load'],
  ['load32', 4, 'i64.load32_u'],
  ['load16', 2, 'i64.load16_u'],
  ['load8', 1, 'i64.load8_u'],
  ['loadS32', 4, 'i64.load32_s'],
  ['loadS16', 2, 'i64.load16_s'],
  ['loadS8', 1, 'i64.load8_s'],
  ['loadS16to32', 2, 'i32.load16_s', 'i64.extend_i32_u'],
  ['loadS8to32', 1, 'i32.load8_s', 'i64.extend_i32_u'],
];
const STORES: readonly (readonly [name: string, size: number, load: OpName, store: OpName])[] = [
  ['store64', 8, 'i64.load', 'i64.store'],
  ['store32', 4, 'i32.load', 'i32.store'],
  ['store16', 2, 'i32.load16_u', 'i32.store16'],
  ['store8', 1, 'i32.load8_u', 'i32.store8'],
];

/** Pushes rsp plus a constant. */
const sp = (e: Emitter, add: number): Emitter => {
  e.load('i64.load', register(RSP));
  return add === 0 ? e : e.i64(add).op('i64.add');
};

/** rsp - 8 becomes rsp when the source has been stored there. */
export function push(e: Emitter, source: 'src' | 'disp' = 'src'): void {
  const lower = e.local('a', 64);
  sp(e, -8).tee(lower).physical(8).operand(source, 64).mem('i64.store', 0);
  e.save('i64.store', register(RSP), lower);
}

/** Signs of rax into rdx, at a width. */
const signInto = (width: 32 | 64): Operation =>
  next(width === 64 ? 'cqo' : 'cdq', 'none', (e) => {
    e.i32(0);
    if (width === 64) e.load('i64.load', register(RAX)).i64(63).op('i64.shr_s');
    else e.load('i32.load', register(RAX)).i32(31).op('i32.shr_s', 'i64.extend_i32_u');
    e.mem('i64.store', register(RDX));
  });

/** The condition of the code in the slot, as 0 or 1. */
const condition = (e: Emitter): Emitter => {
  e.field('i32.load', SLOT.table).body.call(CONDITION_FUNCTION);
  return e;
};

export const MOVES: readonly Operation[] = [
  ...([64, 32, 16, 8] as const).map((w) => next(`mov${w}`, 'none', (e) => void e.dst().operand('src', w).toDst(w))),
  ...EXTENSIONS.map(([name, from, ops]) =>
    next(
      name,
      'none',
      (e) =>
        void e
          .dst()
          .operand('src', from)
          .op(...ops)
          .toDst(64),
    ),
  ),
  ...LOADS.map(([name, size, load, then]) =>
    next(name, 'looks', (e) => {
      e.dst().based().physical(size).mem(load, 0);
      if (then) e.op(then);
      e.toDst(64);
    }),
  ),
  ...STORES.map(([name, size, load, store]) =>
    next(name, 'looks', (e) => {
      e.based().physical(size).field('i32.load', SLOT.dst).mem(load, 0).mem(store, 0);
    }),
  ),
  next('lea', 'none', (e) => void e.dst().based().toDst(64)),
  next('leaIndex', 'none', (e) => {
    e.dst().operand('src', 64).field('i32.load', SLOT.target).mem('i64.load', 0);
    e.field('i64.load32_u', SLOT.table).op('i64.shl', 'i64.add');
    e.field('i64.load32_s', SLOT.disp).op('i64.add').toDst(64);
  }),
  next('push', 'looks', (e) => push(e)),
  next('pop', 'looks', (e) => {
    const value = e.local('b', 64);
    sp(e, 0).physical(8).mem('i64.load', 0).set(value);
    e.i32(0);
    sp(e, 8).mem('i64.store', register(RSP));
    e.dst().get(value).toDst(64);
  }),
  next('leave', 'looks', (e) => {
    const value = e.local('b', 64);
    e.load('i64.load', register(RBP)).physical(8).mem('i64.load', 0).set(value);
    e.i32(0).load('i64.load', register(RBP)).i64(8).op('i64.add').mem('i64.store', register(RSP));
    e.save('i64.store', register(RBP), value);
  }),
  next('cwde', 'none', (e) => {
    e.i32(0).load('i32.load16_s', register(RAX)).op('i64.extend_i32_u').mem('i64.store', register(RAX));
  }),
  next('cdqe', 'none', (e) => void e.i32(0).load('i64.load32_s', register(RAX)).mem('i64.store', register(RAX))),
  signInto(32),
  signInto(64),
  ...([64, 32] as const).map((w) =>
    next(`cmov${w}`, 'looks', (e) => {
      e.dst().operand('src', w).operand('dst', w);
      condition(e).op('select').toDst(w);
    }),
  ),
  next('setcc', 'looks', (e) => void condition(e.dst()).toDst(8)),
];
