/**
 * cpuid, rdtsc, segment bases, flag control, hlt, vmcall, ud
 * (Intel SDM vol. 2A "CLI", "CPUID", "HLT", vol. 2B "RDFSBASE/RDGSBASE", "RDTSC", vol. 3C "VMCALL").
 */
import { FLAG } from '../../x86/index.ts';
import { CPU } from '../cpu.ts';
import { type Context, type Handler, LEAVE, type Step } from './context.ts';

/**
 * CPUID.1:EDX of this machine: fpu, de, pse, tsc, msr, pae, cx8, pge, cmov, clflush, mmx, fxsr, sse, sse2. Every x86-64
 * processor has fpu and mmx, and libraries do not start without; their instructions are #UD here.
 */
export const CPUID_EDX =
  (1 << 0) |
  (1 << 23) |
  (1 << 2) |
  (1 << 3) |
  (1 << 4) |
  (1 << 5) |
  (1 << 6) |
  (1 << 8) |
  (1 << 13) |
  (1 << 15) |
  (1 << 19) |
  (7 << 24);

/**
 * The processor that this machine is: x86-64 with cmov, cx8, cx16, popcnt, movbe, bmi1, bmi2, adx, lzcnt,
 * erms, smep, smap, fsgsbase, syscall, nx, fxsr, sse, sse2. No leaf says what came after SSE2.
 */
const CPUID: Readonly<Record<number, readonly [eax: number, ebx: number, ecx: number, edx: number]>> = {
  // 'GenuineIntel': of a vendor that it does not know glibc asks for no features, and then refuses to start
  0: [7, 0x756e6547, 0x6c65746e, 0x49656e69],
  1: [0x000306c3, 0x00000800, (1 << 13) | (1 << 22) | (1 << 23), CPUID_EDX],
  7: [0, (1 << 0) | (1 << 3) | (1 << 7) | (1 << 8) | (1 << 9) | (1 << 19) | (1 << 20), 0, 0],
  [0x80000000 | 0]: [0x80000001 | 0, 0, 0, 0],
  [0x80000001 | 0]: [0, 0, (1 << 0) | (1 << 5), (1 << 11) | (1 << 20) | (1 << 27) | (1 << 29)],
};

function cpuid(x: Context): 0 {
  const { r } = x;
  const leaf = CPUID[r[0] as number] ?? [0, 0, 0, 0];
  const subleaf = r[0] === 7 && r[2] !== 0;
  [0, 3, 1, 2].forEach((n, i) => {
    x.setReg(n * 2, 4, subleaf ? 0 : (leaf[i] as number), 0);
  });
  return 0;
}

function rdtsc(x: Context): 0 {
  const { words } = x.cpu;
  x.setReg(0, 4, words[CPU.tsc >> 2] as number, 0);
  x.setReg(4, 4, words[(CPU.tsc >> 2) + 1] as number, 0);
  return 0;
}

const setFlag =
  (mask: number, on: boolean): Handler =>
  (x, s) => {
    if (mask !== FLAG.DF) x.privileged(s);
    const { cpu } = x;
    cpu.rflags = on ? cpu.rflags | mask : cpu.rflags & ~mask;
    return 0;
  };

/** #UD, not #GP, outside CPL 0 (SDM vol. 2B "STAC"). */
const setAc =
  (on: boolean): Handler =>
  (x, s) => {
    if (x.cpu.cpl !== 0) throw x.fault('ud', s, `${s.form.mnemonic} at CPL 3`);
    const { cpu } = x;
    cpu.rflags = on ? cpu.rflags | FLAG.AC : cpu.rflags & ~FLAG.AC;
    return 0;
  };

const readBase =
  (at: number): Handler =>
  (x, s) => {
    x.write(s, 0, x.cpu.words[at >> 2] as number, x.cpu.words[(at >> 2) + 1] as number);
    return 0;
  };

const writeBase =
  (at: number): Handler =>
  (x, s) => {
    const lo = x.read(s, 0);
    x.target(s, lo, x.hi); // #GP where not canonical
    x.cpu.words[at >> 2] = lo;
    x.cpu.words[(at >> 2) + 1] = x.hi;
    return 0;
  };

/** FCW after a reset and in a program's beginning: extended precision, to nearest, every exception masked (SDM vol. 1, 8.1.5). */
const FCW = 0x37f;
const fldcw: Handler = (x, s) => {
  const value = x.read(s, 0);
  if (value !== FCW)
    throw x.fault('ud', s, `fldcw 0x${value.toString(16)}: this machine has no x87 that it could be for`);
  return 0;
};

function undefinedOpcode(x: Context, s: Step): never {
  throw x.fault('ud', s, s.form.mnemonic);
}

export const systemHandlers: Readonly<Record<string, Handler>> = {
  cpuid,
  fldcw,
  fnstcw: (x, s) => {
    x.write(s, 0, FCW, 0);
    return 0;
  },
  rdtsc,
  rdtscp: (x) => {
    x.setReg(2, 4, 0, 0); // IA32_TSC_AUX: CPU 0
    return rdtsc(x);
  },
  cli: setFlag(FLAG.IF, false),
  sti: setFlag(FLAG.IF, true),
  cld: setFlag(FLAG.DF, false),
  std: setFlag(FLAG.DF, true),
  clac: setAc(false),
  stac: setAc(true),
  sahf: (x) => {
    const ah = ((x.r[0] as number) >>> 8) & 0xd5;
    x.setRflags((x.rflags() & ~0xd5) | ah);
    return 0;
  },
  lahf: (x) => {
    const { r } = x;
    r[0] = ((r[0] as number) & ~0xff00) | ((x.rflags() & 0xd7) << 8);
    return 0;
  },
  rdfsbase: readBase(CPU.fsBase),
  rdgsbase: readBase(CPU.gsBase),
  wrfsbase: writeBase(CPU.fsBase),
  wrgsbase: writeBase(CPU.gsBase),
  hlt: (x, s) => {
    x.privileged(s);
    return LEAVE.halt;
  },
  vmcall: (x, s) => {
    if (x.cpu.cpl !== 0) throw x.fault('ud', s, 'vmcall at CPL 3');
    return LEAVE.vmcall;
  },
  ud1: undefinedOpcode,
  ud2: undefinedOpcode,
};
