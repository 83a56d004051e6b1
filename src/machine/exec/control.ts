/**
 * Near transfers, software interrupts, and the instructions that cross privilege levels
 * (Intel SDM vol. 2A "CALL", "INT n", "IRET", vol. 2B "RET", "SWAPGS", "SYSCALL", "SYSRET"; vol. 3A, 5.8.7 and 6.14).
 */
import { FLAG } from '../../x86/index.ts';
import { addrHi, addrLo } from '../addr.ts';
import { CPU, USER_CS, USER_DS } from '../cpu.ts';
import { Fault } from '../fault.ts';
import { branchTo } from './conditions.ts';
import { type Context, type Handler, LEAVE, type Step } from './context.ts';
import { trapAt } from './traps.ts';

/** RFLAGS bits that popfq and iretq may set at CPL 0 and CPL 3 (VM, VIF, VIP, RF and IOPL never). */
const FLAGS_KERNEL = 0x24_4fd5;
const FLAGS_USER = FLAGS_KERNEL & ~FLAG.IF;
/** What sysretq takes from r11. */
const FLAGS_SYSRET = 0x3c_7fd7;

function ret(x: Context, s: Step): 0 {
  const lo = x.peek64(0);
  x.next = x.target(s, lo, x.hi);
  x.addRsp(8 + (s.insn.immLo & 0xffff));
  return 0;
}

function call(x: Context, s: Step): 0 {
  let target: number;
  if (s.form.operands[0]?.place === 'rel') target = branchTo(s);
  else {
    const lo = x.read(s, 0);
    const { hi } = x;
    const { r } = x;
    // the stack's fault comes before the target's
    const sp = r[8] as number;
    x.probeAt((sp - 8) | 0, ((r[9] as number) - (sp >>> 0 < 8 ? 1 : 0)) | 0, 8);
    target = x.target(s, lo, hi);
  }
  x.pushAddr(s.next);
  x.next = target;
  return 0;
}

function jmp(x: Context, s: Step): 0 {
  if (s.form.operands[0]?.place === 'rel') x.next = branchTo(s);
  else {
    const lo = x.read(s, 0);
    x.next = x.target(s, lo, x.hi);
  }
  return 0;
}

function trap(kind: 'bp' | 'db'): Handler {
  return (x, s) => {
    x.pending = trapAt(kind, s.next);
    return LEAVE.fault;
  };
}

/** Linux's gates other than int3 are closed to `int n` from user code; its kernel text has none. */
const int: Handler = (x, s) => {
  const vector = s.insn.immLo & 0xff;
  if (vector === 3) return trap('bp')(x, s);
  throw new Fault('gp', s.rip, { errorCode: vector * 8 + 2, detail: `int 0x${vector.toString(16)}` });
};

function pushfq(x: Context): 0 {
  x.push64(x.rflags() & ~0x3_0000, 0); // VM and RF are pushed as zero
  return 0;
}

function popfq(x: Context): 0 {
  const value = x.peek64(0);
  x.addRsp(8);
  const may = x.cpu.cpl === 0 ? FLAGS_KERNEL : FLAGS_USER;
  x.setRflags((x.rflags() & ~may) | (value & may));
  x.serialize = true;
  return 0;
}

function iretq(x: Context, s: Step): 0 {
  const { cpu, r } = x;
  const ripLo = x.peek64(0);
  const rip = x.target(s, ripLo, x.hi);
  const cs = x.peek64(8);
  const flags = x.peek64(16);
  const spLo = x.peek64(24);
  const spHi = x.hi;
  const ss = x.peek64(32);
  if ((cs & 3) < cpu.cpl) throw x.fault('gp', s, 'iretq to a more privileged level');
  const may = cpu.cpl === 0 ? FLAGS_KERNEL : FLAGS_USER;
  x.setRflags((x.rflags() & ~may) | (flags & may));
  r[8] = spLo;
  r[9] = spHi;
  cpu.cs = cs & 0xffff;
  cpu.ss = ss & 0xffff;
  x.next = rip;
  x.serialize = true;
  return 0;
}

function syscall(x: Context, s: Step): 0 {
  const { cpu, r } = x;
  if (cpu.lstar === 0) throw x.fault('ud', s, 'syscall without IA32_LSTAR');
  const flags = x.rflags();
  r[2] = addrLo(s.next);
  r[3] = addrHi(s.next);
  r[22] = flags;
  r[23] = 0;
  x.setRflags(flags & ~cpu.sfmask & ~0x1_0000);
  const selector = cpu.starHigh & 0xfffc;
  cpu.cs = selector;
  cpu.ss = selector + 8;
  x.next = cpu.lstar;
  x.serialize = true;
  return 0;
}

function sysretq(x: Context, s: Step): 0 {
  const { cpu, r } = x;
  x.privileged(s);
  const target = x.target(s, r[2] as number, r[3] as number);
  x.setRflags((r[22] as number) & FLAGS_SYSRET);
  const base = cpu.starHigh >>> 16;
  cpu.cs = base === 0 ? USER_CS : (base + 16) | 3;
  cpu.ss = base === 0 ? USER_DS : (base + 8) | 3;
  x.next = target;
  x.serialize = true;
  return 0;
}

function swapgs(x: Context, s: Step): 0 {
  x.privileged(s);
  const { words } = x.cpu;
  const a = CPU.gsBase >> 2;
  const b = CPU.kernelGsBase >> 2;
  for (let i = 0; i < 2; i++) {
    const old = words[a + i] as number;
    words[a + i] = words[b + i] as number;
    words[b + i] = old;
  }
  return 0;
}

export const controlHandlers: Readonly<Record<string, Handler>> = {
  ret,
  call,
  jmp,
  int3: trap('bp'),
  int1: trap('db'),
  int,
  pushfq,
  popfq,
  iretq,
  syscall,
  sysretq,
  swapgs,
};
