/**
 * What entry and exit code of a kernel needs of system instructions (Intel SDM vol. 2A "CLI", vol. 2B "POPF", "PUSHF", "STI",
 * "SWAPGS"). At CPL 3, and where RFLAGS bits change that more than the flag words hang on, they are the host's.
 */
import { FLAG } from '../../../x86/index.ts';
import { CPU, RSP } from '../../cpu.ts';
import { CPU_PHYS } from '../../layout.ts';
import { A, C, P, S, STATUS, Z } from '../flags.ts';
import { FLAG_CONDITIONS } from './conditions.ts';
import type { Emitter } from './emitter.ts';
import type { Operation } from './row.ts';

const rsp = CPU_PHYS + CPU.regs + 8 * RSP;
const rflags = CPU_PHYS + CPU.rflags;
const gs = CPU_PHYS + CPU.gsBase;
const kernelGs = CPU_PHYS + CPU.kernelGsBase;

/** Bits that popfq changes here. */
const PLAIN = STATUS | FLAG.IF | FLAG.DF;
/** VM and RF are pushed as zero. */
const PUSHED = ~0x3_0000;

const op = (name: string, emit: (e: Emitter) => void, flags: Operation['flags'] = 'looks'): Operation => ({
  name,
  flags,
  emit: (e) => {
    emit(e);
    e.next();
  },
});

function privileged(e: Emitter): void {
  e.load('i32.load', CPU_PHYS + CPU.cpl);
  e.toHostIf();
}

const setFlag = (name: string, bit: number, on: boolean): Operation =>
  op(name, (e) => {
    if (bit !== FLAG.DF) privileged(e);
    e.i32(0).load('i32.load', rflags);
    if (on) e.i32(bit).op('i32.or');
    else e.i32(~bit).op('i32.and');
    e.mem('i32.store', rflags);
  });

/** Pushes the status flags as bits of RFLAGS. */
function status(e: Emitter): void {
  const bits = [
    [FLAG.CF, FLAG_CONDITIONS.b],
    [FLAG.PF, FLAG_CONDITIONS.p],
    [FLAG.AF, (x: Emitter) => x.flag(A).i32(3).op('i32.shr_u').i32(1).op('i32.and')],
    [FLAG.ZF, FLAG_CONDITIONS.e],
    [FLAG.SF, FLAG_CONDITIONS.s],
    [FLAG.OF, FLAG_CONDITIONS.o],
  ] as const;
  for (const [n, [bit, push]] of bits.entries()) {
    push(e).i32(Math.log2(bit)).op('i32.shl');
    if (n > 0) e.op('i32.or');
  }
}

/** Sets the flag words from RFLAGS bits, as writeStatus of ../flags.ts does. */
function setStatus(e: Emitter, value: number): void {
  /** the bit as 0 or 1 */
  const bit = (mask: number): Emitter => e.get(value).i32(Math.log2(mask)).op('i32.shr_u').i32(1).op('i32.and');
  e.setFlag(Z, () => bit(FLAG.ZF).op('i32.eqz'));
  e.setFlag(S, () => e.i32(0) && bit(FLAG.SF).op('i32.sub'));
  e.setFlag(P, () => bit(FLAG.PF).op('i32.eqz'));
  e.setFlag(A, () => bit(FLAG.AF).i32(3).op('i32.shl'));
  e.setFlag(C, () => {
    bit(FLAG.CF).i32(31).op('i32.shl');
    bit(FLAG.CF);
    bit(FLAG.OF).op('i32.xor').i32(30).op('i32.shl', 'i32.or');
  });
}

export const SYSTEM: readonly Operation[] = [
  setFlag('cli', FLAG.IF, false),
  setFlag('sti', FLAG.IF, true),
  setFlag('cld', FLAG.DF, false),
  setFlag('std', FLAG.DF, true),
  op('swapgs', (e) => {
    privileged(e);
    const old = e.local('a', 64);
    e.load('i64.load', gs).set(old);
    e.i32(0).load('i64.load', kernelGs).mem('i64.store', gs);
    e.save('i64.store', kernelGs, old);
  }),
  op('pushfq', (e) => {
    const lower = e.local('a', 64);
    e.load('i64.load', rsp).i64(8).op('i64.sub').tee(lower).physical(8);
    e.load('i32.load', rflags)
      .i32(PUSHED & ~STATUS)
      .op('i32.and');
    status(e);
    e.op('i32.or', 'i64.extend_i32_u').mem('i64.store', 0);
    e.save('i64.store', rsp, lower);
  }),
  {
    name: 'popfq',
    flags: 'looks',
    emit: (e) => {
      const [value, old] = [e.local('a', 32), e.local('b', 32)];
      privileged(e);
      e.load('i64.load', rsp).physical(8).mem('i32.load', 0).tee(value);
      e.load('i32.load', rflags).tee(old).op('i32.xor').i32(~PLAIN).op('i32.and');
      e.toHostIf();
      e.i32(0).load('i64.load', rsp).i64(8).op('i64.add').mem('i64.store', rsp);
      e.i32(0)
        .get(old)
        .i32(~PLAIN)
        .op('i32.and')
        .get(value)
        .i32(PLAIN)
        .op('i32.and', 'i32.or')
        .mem('i32.store', rflags);
      setStatus(e, value);
      e.leaveBlock();
    },
  },
];
