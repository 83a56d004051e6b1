/** Where control goes: branches, calls, returns, the ends of blocks, and what the host executes. */
import { CPU, RAX, RDX, RSP } from '../../cpu.ts';
import { CPU_PHYS } from '../../layout.ts';
import { CONDITIONS, FLAG_CONDITIONS } from './conditions.ts';
import { type Emitter, typeOf } from './emitter.ts';
import { push } from './moves.ts';
import type { Operation } from './row.ts';
import { JUMP_BYTES, JUMP_ENTRIES, SLOT, STATE } from './slot.ts';

const looks = (name: string, emit: (e: Emitter) => void): Operation => ({ name, flags: 'looks', emit });
const host = (name: string): Operation => looks(name, (e) => e.toHost());

/** Leaves the block where the value on the stack is not 0, else goes on behind the slot. */
export function branch(e: Emitter): void {
  e.body.open('if');
  e.leaveBlock();
  e.body.end();
  e.next();
}

/** Goes on at the slot that the jump cache has for the address in `target`, or where it has none at the host; `then` leads there. */
function cached(e: Emitter, target: number, then: (slot: number) => void): void {
  const entry = e.local('r', 32);
  const slot = e.local('a', 32);
  e.get(target).op('i32.wrap_i64').tee(slot).get(slot).i32(10).op('i32.shr_u', 'i32.xor');
  e.i32(JUMP_ENTRIES - 1)
    .op('i32.and')
    .i32(JUMP_BYTES)
    .op('i32.mul')
    .load('i32.load', STATE.jumps)
    .op('i32.add');
  e.tee(entry).mem('i64.load', 0).get(target).op('i64.ne');
  e.toHostIf();
  e.get(entry).mem('i32.load', 8).tee(slot).op('i32.eqz');
  e.toHostIf();
  then(slot);
}

/** rdx:rax by the source, where that is no more than a division of 64 (or 32) bits; the rest is the host's. */
function divide(e: Emitter, width: 32 | 64, signed: boolean): void {
  const [a, b, r] = [e.local('a', width), e.local('b', width), e.local('r', width)];
  const load = `${typeOf(width)}.load` as const;
  const register = (n: number): number => CPU_PHYS + CPU.regs + 8 * n;
  e.operand('src', width).tee(b).w(width, 'eqz');
  e.toHostIf();
  e.load(load, register(RAX)).set(a);
  e.load(load, register(RDX));
  if (signed)
    e.get(a)
      .constant(width, width - 1)
      .w(width, 'shr_s', 'ne');
  else e.constant(width, 0).w(width, 'ne');
  e.toHostIf();
  if (signed) {
    e.get(b).constant(width, -1).w(width, 'eq');
    e.toHostIf();
  }
  const put = (n: number, value: () => unknown): void => {
    e.i32(0);
    value();
    e.toWide(width).mem('i64.store', register(n));
  };
  const suffix = signed ? 's' : 'u';
  e.get(a).get(b).w(width, `div_${suffix}`).set(r);
  put(RDX, () => e.get(a).get(b).w(width, `rem_${suffix}`));
  put(RAX, () => e.get(r));
  e.next();
}

const rsp = CPU_PHYS + CPU.regs + 8 * RSP;

/** Once in a while the host executes a call or jump through a register or memory, to ask about its target: `dst` is how soon. */
function asksNowAndThen(e: Emitter): void {
  const left = e.local('a', 32);
  e.field('i32.load', SLOT.dst).i32(1).op('i32.sub').tee(left).i32(0).op('i32.le_s');
  e.toHostIf();
  e.get(e.pc).get(left).mem('i32.store', SLOT.dst);
}

export const CONTROL: readonly Operation[] = [
  /** not a slot */
  looks('invalid', (e) => void e.op('unreachable')),
  /** a handler is called */
  host('generic'),
  /** a handler that may move rip, end the run or change mode: the block ends */
  host('transfer'),
  /** not yet decoded, or forgotten: finds the block */
  host('resolve'),
  /** a user block's: looks it up each time, as it may have to be checked again; dst and src are the address */
  looks('seek', (e) => {
    const target = e.local('a', 64);
    e.field('i64.load', SLOT.dst).set(target);
    cached(e, target, (slot) => {
      e.get(slot).set(e.pc);
      e.go();
    });
  }),
  /** asks whether a transfer of control is to be executed elsewhere, once in a while */
  looks('ask', (e) => {
    const left = e.local('a', 32);
    e.field('i32.load', SLOT.src).i32(1).op('i32.sub').tee(left).i32(0).op('i32.le_s');
    e.toHostIf();
    e.get(e.pc).get(left).mem('i32.store', SLOT.src);
    e.field('i32.load', SLOT.target).set(e.pc);
    e.go();
  }),
  looks('go', (e) => {
    e.field('i32.load', SLOT.target).set(e.pc);
    e.go();
  }),
  /** end of a block that ran into its length limit */
  looks('end', (e) => e.leaveBlock()),
  looks('jmp', (e) => e.leaveBlock()),
  ...CONDITIONS.map((name) =>
    looks(`j${name}`, (e) => {
      FLAG_CONDITIONS[name](e).field('i32.load', SLOT.table).op('i32.ne');
      branch(e);
    }),
  ),
  looks('call', (e) => {
    push(e);
    e.leaveBlock();
  }),
  looks('ret', (e) => {
    const target = e.local('b', 64);
    e.load('i64.load', rsp).physical(8).mem('i64.load', 0).set(target);
    cached(e, target, (slot) => {
      e.i32(0).load('i64.load', rsp).field('i64.load32_s', SLOT.disp).op('i64.add').mem('i64.store', rsp);
      e.leaveBlock(() => e.get(slot));
    });
  }),
  /** through a register or memory: src has the target, disp the return address */
  looks('callThrough', (e) => {
    asksNowAndThen(e);
    const target = e.local('b', 64);
    e.operand('src', 64).set(target);
    cached(e, target, (slot) => {
      push(e, 'disp');
      e.leaveBlock(() => e.get(slot));
    });
  }),
  looks('jmpThrough', (e) => {
    asksNowAndThen(e);
    const target = e.local('b', 64);
    e.operand('src', 64).set(target);
    cached(e, target, (slot) => e.leaveBlock(() => e.get(slot)));
  }),
  ...([64, 32] as const).flatMap((width: 32 | 64) => [
    looks(`div${width}`, (e) => divide(e, width, false)),
    looks(`idiv${width}`, (e) => divide(e, width, true)),
  ]),
];
