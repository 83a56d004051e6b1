/**
 * The registers as debuggers from outside ask for them, in the order of gdb's description of amd64
 * (gdb/features/i386/64bit-core.xml, 64bit-sse.xml, 64bit-segments.xml). The machine has no x87: those are named and have no
 * value.
 */
import { addrFromBigInt, addrToBigInt } from '../../machine/addr.ts';
import { CPU, type CpuState } from '../../machine/cpu.ts';
import { REGISTER_NAMES } from '../../machine/index.ts';

export interface TargetRegister {
  readonly name: string;
  readonly bits: 32 | 64 | 80 | 128;
  /** how gdb shows it */
  readonly type: 'int64' | 'int32' | 'data_ptr' | 'code_ptr' | 'i386_eflags' | 'i387_ext' | 'vec128' | 'i386_mxcsr';
  /** the feature of the target description that it belongs to */
  readonly feature: 'core' | 'sse' | 'segments';
  readonly group?: 'float' | 'vector';
  /** unset: the machine has not got it */
  read?(cpu: CpuState): bigint;
  write?(cpu: CpuState, bits: bigint): void;
}

const general = (name: string, type: TargetRegister['type'] = 'int64'): TargetRegister => {
  const n = (REGISTER_NAMES as readonly string[]).indexOf(name);
  const read = (cpu: CpuState): bigint => cpu.reg64(n);
  return { name, bits: 64, type, feature: 'core', read, write: (cpu, bits) => cpu.setReg64(n, bits) };
};
/** A selector. What it does when it is loaded stays undone, so none can be set. */
const selector = (name: string, of: (cpu: CpuState) => number): TargetRegister => {
  return { name, bits: 32, type: 'int32', feature: 'core', read: (cpu) => BigInt(of(cpu)) };
};
const x87 = (name: string): TargetRegister =>
  name.startsWith('st')
    ? { name, bits: 80, type: 'i387_ext', feature: 'core' }
    : { name, bits: 32, type: 'int32', feature: 'core', group: 'float' };
const xmm = (n: number): TargetRegister => {
  const at = (CPU.xmm >> 2) + 4 * n;
  return {
    name: `xmm${n}`,
    bits: 128,
    type: 'vec128',
    feature: 'sse',
    read: ({ words }) => {
      let bits = 0n;
      for (let i = 3; i >= 0; i--) bits = (bits << 32n) | BigInt((words[at + i] as number) >>> 0);
      return bits;
    },
    write: ({ words }, bits) => {
      for (let i = 0; i < 4; i++) words[at + i] = Number(BigInt.asIntN(32, bits >> BigInt(32 * i)));
    },
  };
};
const mxcsr: TargetRegister = {
  name: 'mxcsr',
  bits: 32,
  type: 'i386_mxcsr',
  feature: 'sse',
  group: 'vector',
  read: ({ words }) => BigInt((words[CPU.mxcsr >> 2] as number) >>> 0),
  write: ({ words }, bits) => {
    words[CPU.mxcsr >> 2] = Number(BigInt.asIntN(32, bits));
  },
};
const base = (name: string, field: 'fsBase' | 'gsBase'): TargetRegister => ({
  name,
  bits: 64,
  type: 'int64',
  feature: 'segments',
  read: (cpu) => addrToBigInt(cpu[field]),
  write: (cpu, bits) => {
    cpu[field] = addrFromBigInt(bits);
  },
});

/** The number of a register is its place here. */
export const TARGET_REGISTERS: readonly TargetRegister[] = [
  ...['rax', 'rbx', 'rcx', 'rdx', 'rsi', 'rdi'].map((name) => general(name)),
  general('rbp', 'data_ptr'),
  general('rsp', 'data_ptr'),
  ...['r8', 'r9', 'r10', 'r11', 'r12', 'r13', 'r14', 'r15'].map((name) => general(name)),
  {
    name: 'rip',
    bits: 64,
    type: 'code_ptr',
    feature: 'core',
    read: (cpu) => addrToBigInt(cpu.rip),
    write: (cpu, bits) => {
      cpu.rip = addrFromBigInt(bits);
    },
  },
  {
    name: 'eflags',
    bits: 32,
    type: 'i386_eflags',
    feature: 'core',
    read: (cpu) => BigInt(cpu.rflags >>> 0),
    write: (cpu, bits) => {
      cpu.rflags = Number(BigInt.asIntN(32, bits));
    },
  },
  selector('cs', (cpu) => cpu.cs),
  selector('ss', (cpu) => cpu.ss),
  // Linux leaves them 0 in 64-bit mode
  ...['ds', 'es', 'fs', 'gs'].map((name) => selector(name, () => 0)),
  ...['st0', 'st1', 'st2', 'st3', 'st4', 'st5', 'st6', 'st7'].map(x87),
  ...['fctrl', 'fstat', 'ftag', 'fiseg', 'fioff', 'foseg', 'fooff', 'fop'].map(x87),
  ...Array.from({ length: 16 }, (_, n) => xmm(n)),
  mxcsr,
  base('fs_base', 'fsBase'),
  base('gs_base', 'gsBase'),
];

const BY_NAME = new Map(TARGET_REGISTERS.map((r) => [r.name, r]));
/** One of {@link TARGET_REGISTERS}. */
export const targetRegister = (name: string): TargetRegister | undefined => BY_NAME.get(name);

/** Registers of a task that does not run: those that its switch frame holds. */
export type SavedRegisters = ReadonlyMap<string, bigint>;
