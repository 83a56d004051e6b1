/**
 * The stepper is the reference: translated code must leave the same registers, flags, memory and
 * instruction count at every exit, wherever tiers change and budgets end.
 */
import { type Addr, formatAddr } from '../../src/machine/addr.ts';
import { RAX, RDI, REGISTER_NAMES, RSP } from '../../src/machine/cpu.ts';
import type { Stop } from '../../src/machine/executor.ts';
import type { AddressClass } from '../../src/machine/translate/ir/address-class.ts';
import type { Label } from '../../src/x86/index.ts';
import { CodeGenerator } from './random-code.ts';
import {
  CODE,
  DATA_BYTES,
  halves,
  place,
  Random,
  STACK,
  STACK_BYTES,
  STACK_TOP,
  type TestMachine,
  testMachine,
  VM_DATA,
} from './support.ts';

const R12 = 12;

export function prepare(t: TestMachine, seed: number, faults: number): Addr {
  const random = new Random(seed);
  let entry: Label | undefined;
  const asm = place(t, (a) => {
    entry = new CodeGenerator(a, random, { faults }).program();
  });
  const { machine, memory, data } = t;
  machine.mark(
    CODE,
    Uint8Array.from({ length: 2048 }, () => Math.max(0, random.below(5) - 2)),
  );
  machine.marked = 0;
  for (let i = 0; i < DATA_BYTES; i += 4) {
    memory.writeU32(data + i, random.s32() >>> 0);
    memory.writeU32(VM_DATA + i, random.s32() >>> 0);
  }
  memory.fillBytes(STACK, 0, STACK_BYTES);
  for (let r = 0; r < 16; r++) machine.cpu.setReg64(r, BigInt(random.s32()) * 0x1_0000_0001n);
  const [lo, hi] = halves(machine.haltAddress);
  memory.store64(...halves(STACK_TOP - 8), lo, hi);
  machine.cpu.setReg(RSP, STACK_TOP - 8);
  machine.cpu.setReg(RDI, data + 64);
  machine.cpu.setReg(R12, VM_DATA + 64);
  machine.cpu.rflags = 2;
  machine.cpu.rip = asm.addressOf(entry!);
  machine.insns = 0;
  // A handler changes what a kernel's would: rax, memory, now and then more.
  machine.onVmcall = (nr) => {
    const { cpu } = machine;
    cpu.setReg64(RAX, cpu.reg64(RAX) * 3n + BigInt(nr));
    if (nr === 3) memory.writeU32(data + 128, machine.insns);
    if (nr === 4) cpu.setReg64(9, 0x1234_5678_9abcn);
    if (nr === 5) cpu.rflags = cpu.rflags ^ 1;
    if (nr === 6) memory.writeU32(data + 132, cpu.rflags);
  };
  return machine.cpu.rip;
}

export function difference(a: TestMachine, b: TestMachine): string | undefined {
  const x = a.machine.cpu;
  const y = b.machine.cpu;
  if (a.machine.insns !== b.machine.insns) return `instructions ${a.machine.insns} and ${b.machine.insns}`;
  if (a.machine.marked !== b.machine.marked) return `marks ${a.machine.marked} and ${b.machine.marked}`;
  if (x.rip !== y.rip) return `rip ${formatAddr(x.rip)} and ${formatAddr(y.rip)}`;
  for (let r = 0; r < 16; r++) {
    if (x.reg64(r) !== y.reg64(r))
      return `${REGISTER_NAMES[r]} ${x.reg64(r).toString(16)} and ${y.reg64(r).toString(16)}`;
  }
  if (x.rflags !== y.rflags) return `rflags ${x.rflags.toString(16)} and ${y.rflags.toString(16)}`;
  for (const [at, other, bytes] of [
    [a.data, b.data, DATA_BYTES],
    [VM_DATA, VM_DATA, DATA_BYTES],
    [STACK, STACK, STACK_BYTES],
  ] as const) {
    const p = a.memory.readBytes(at, bytes);
    const q = b.memory.readBytes(other, bytes);
    const n = p.findIndex((byte, i) => byte !== q[i]);
    if (n >= 0) return `memory at ${formatAddr(at + n)}: ${p[n]} and ${q[n]}`;
  }
  return undefined;
}

export const outcome = (s: Stop): string => `${s.reason} ${s.fault?.message ?? ''}`;

/** Runs both with the same budgets; gives what differed. */
function compare(step: TestMachine, jit: TestMachine, seed: number, faults: number): string | undefined {
  const writable = { write: true };
  for (const t of [step, jit]) t.memory.protect(VM_DATA, DATA_BYTES, writable);
  prepare(step, seed, faults);
  prepare(jit, seed, faults);
  const random = new Random(seed ^ 0x5bd1e995);
  const translator = jit.machine.translator!;
  for (let round = 0; round < 400; round++) {
    const budget = random.chance(30) ? 1 + random.below(12) : 1 + random.below(4000);
    if (random.chance(70)) translator.translate(jit.machine.cpu.rip);
    const from = formatAddr(jit.machine.cpu.rip);
    // What a kernel does meanwhile: text is patched (here with what it was), protection changes.
    const patch = random.chance(15) ? CODE + random.below(300) : undefined;
    const readOnly = faults > 0 && random.chance(5);
    for (const t of [step, jit]) {
      if (patch !== undefined) t.machine.patch(patch, t.memory.readBytes(patch, 4));
      if (readOnly) t.memory.protect(VM_DATA + 4096, 4096, {});
    }
    const a = step.machine.run(budget);
    const b = jit.machine.run(budget);
    if (outcome(a) !== outcome(b)) return `seed ${seed} from ${from}: ${outcome(a)} and ${outcome(b)}`;
    const d = difference(step, jit);
    if (d !== undefined) return `seed ${seed} from ${from} budget ${budget}: ${d}`;
    if (a.reason !== 'budget') return undefined;
  }
  return undefined;
}

const CLASSES: readonly (AddressClass | undefined)[] = [
  undefined,
  undefined,
  undefined,
  'direct',
  'stack',
  'tlb',
  'run1',
  'run2',
];

/** `maxInline` 0: every call is one of another unit. */
export function differential(
  from: number,
  count: number,
  faults: number,
  maxInline = 200,
): { different: string[]; translated: number } {
  // Each place's check is of some class, right or wrong, that depends on where it is and on the seed.
  let salt = 0;
  const classOf = (rip: Addr): AddressClass | undefined => CLASSES[((rip >>> 1) ^ salt) % 13];
  const step = testMachine();
  const jit = testMachine({ engine: 'jit', translator: { threshold: 3, maxInline, classOf } });
  const different: string[] = [];
  for (let seed = from; seed < from + count; seed++) {
    salt = seed;
    const d = compare(step, jit, seed, faults);
    if (d !== undefined) different.push(d);
  }
  return { different, translated: jit.machine.translator!.compiled };
}
