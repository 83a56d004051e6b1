/**
 * The text of an oops as Linux 6.12 prints it on x86-64 (Documentation/admin-guide/bug-hunting.rst shows the form):
 * what happened, where, the bytes there, the registers, and who called whom.
 */
import type { Oops } from '../../src/errors/index.ts';
import { type Addr, formatAddr } from '../../src/machine/addr.ts';
import type { Fault } from '../../src/machine/index.ts';
import { decode, RIP } from '../../src/x86/index.ts';
import { BUILD } from '../data/release.ts';
import type { TextFloor } from '../floors/text.ts';
import type { Tasks } from '../task/tasks.ts';

type OopsFloor = TextFloor & { readonly tasks: Tasks };

export type { Oops };

const PF_WRITE = 2;
const PF_USER = 4;
const PF_FETCH = 16;
const PF_PRESENT = 1;
const PAGE = 4096;
/** bytes of code before and at rip */
const PROLOGUE = 42;
const CODE_BYTES = 64;
const MAX_FRAMES = 32;
/** how kernel/watchdog.c begins its report of a task that does not let go of the CPU */
const WATCHDOG = 'watchdog: ';

export function makeOops(
  kernel: OopsFloor,
  count: number,
  title: string | undefined,
  rip: Addr,
  fault: Fault | undefined,
): Oops {
  const { tasks, symbols, cpu, engine } = kernel;
  const lines: string[] = [];
  const errorCode = fault?.errorCode ?? 0;
  const overflow = fault?.kind === 'page' && stackGuard(kernel, fault.address ?? 0);
  if (overflow) lines.push(overflow);
  else if (fault?.kind === 'page') lines.push(...pageFault(fault.address ?? 0, errorCode));
  const what = title ?? (overflow ? 'stack guard page' : name(kernel, fault));
  if (title?.startsWith(WATCHDOG)) lines.push(title, 'Modules linked in:');
  // one number for page faults: how many oopses before
  else
    lines.push(
      `Oops: ${what.startsWith('int3') ? what : `${what}: ${(overflow ? 0 : errorCode).toString(16).padStart(4, '0')}`} [#${count}] PREEMPT SMP NOPTI`,
    );
  const task = tasks.current;
  lines.push(
    `CPU: ${kernel.context.cpu} UID: ${task.uid} PID: ${task.pid} Comm: ${task.comm} Not tainted ${kernel.release} ${BUILD}`,
  );
  lines.push(`Hardware name: ebpf-emu (${engine})`);
  const user = cpu.cpl === 3;
  const where = symbols.format(rip);
  lines.push(
    `RIP: ${user ? '0033' : '0010'}:${where.startsWith('0x') ? `0x${BigInt.asUintN(64, BigInt(rip)).toString(16)}` : where}`,
  );
  lines.push(code(kernel, rip));
  lines.push(
    `RSP: ${user ? '002b' : '0018'}:${formatAddr(cpu.reg(4))} EFLAGS: ${(cpu.rflags >>> 0).toString(16).padStart(8, '0')}`,
  );
  const r = (n: number): string => cpu.reg64(n).toString(16).padStart(16, '0');
  lines.push(`RAX: ${r(0)} RBX: ${r(3)} RCX: ${r(1)}`);
  lines.push(`RDX: ${r(2)} RSI: ${r(6)} RDI: ${r(7)}`);
  lines.push(`RBP: ${r(5)} R08: ${r(8)} R09: ${r(9)}`);
  lines.push(`R10: ${r(10)} R11: ${r(11)} R12: ${r(12)}`);
  lines.push(`R13: ${r(13)} R14: ${r(14)} R15: ${r(15)}`);
  lines.push(
    `FS:  ${formatAddr(cpu.fsBase)}(0000) GS:${formatAddr(cpu.gsBase)}(0000) knlGS:${formatAddr(cpu.kernelGsBase)}`,
  );
  lines.push(`CS:  ${user ? '0033' : '0010'} DS: 0000 ES: 0000 CR0: 0000000080050033`);
  lines.push(`CR2: ${formatAddr(fault?.address ?? cpu.cr2)} CR3: ${formatAddr(cpu.cr3)} CR4: 0000000000350ef0`);
  const callTrace = unwind(kernel).map((a) => symbols.format(a));
  lines.push('Call Trace:', ' <TASK>', ...callTrace.map((c) => ` ${c}`), ' </TASK>');
  const lockup = title?.startsWith(WATCHDOG) ?? false;
  if (!lockup) lines.push('Modules linked in:');
  if (fault?.kind === 'page') lines.push(`CR2: ${formatAddr(fault.address ?? 0)}`);
  if (!lockup) lines.push('---[ end trace 0000000000000000 ]---');
  return { title: lines[0] as string, rip, where, callTrace, text: lines.join('\n') };
}

function name(kernel: OopsFloor, fault: Fault | undefined): string {
  switch (fault?.kind) {
    case 'gp': {
      const address = operandAddress(kernel, fault.rip);
      const canonical = address === undefined || BigInt.asUintN(64, BigInt.asIntN(48, address)) === address;
      const probably = canonical ? '' : `, probably for non-canonical address 0x${address.toString(16)}`;
      return `general protection fault${probably}`;
    }
    case 'de':
      return 'divide error';
    case 'ud':
      return 'invalid opcode';
    case 'ss':
      return 'stack segment';
    case 'df':
      return 'double fault';
    default:
      return 'Oops';
  }
}

/** Address that the instruction at rip reads or writes, as get_kernel_gp_address() works it out; undefined where it has no such operand. */
function operandAddress(kernel: OopsFloor, rip: Addr): bigint | undefined {
  const { memory, cpu } = kernel;
  const bytes = new Uint8Array(15);
  for (let i = 0; i < bytes.length; i++) {
    const phys = memory.translate(rip + i, 0, false);
    if (phys >= 0) bytes[i] = memory.u8[phys] as number;
  }
  const insn = decode(bytes, 0);
  if (insn.row < 0 || !insn.mem || insn.segment !== 0) return undefined;
  const base = insn.base === RIP ? BigInt(rip + insn.length) : insn.base < 0 ? 0n : cpu.reg64(insn.base);
  const index = insn.index < 0 ? 0n : cpu.reg64(insn.index) << BigInt(insn.scale);
  return BigInt.asUintN(64, base + index + BigInt(insn.disp));
}

/** Pages below each task's stack that nothing is mapped at (CONFIG_VMAP_STACK). */
function stackGuard(kernel: OopsFloor, address: Addr): string | undefined {
  const { stack, stackTop } = kernel.tasks.current;
  if (address >= stack || address < stack - PAGE) return undefined;
  return `BUG: TASK stack guard page was hit at ${formatAddr(address)} (stack is ${formatAddr(stack)}..${formatAddr(stackTop)})`;
}

/** arch/x86/mm/fault.c's three lines */
function pageFault(address: Addr, error: number): string[] {
  const mode = error & PF_USER ? 'user' : 'supervisor';
  const kind = error & PF_FETCH ? 'instruction fetch' : error & PF_WRITE ? 'write access' : 'read access';
  const first =
    address >= 0 && address < PAGE
      ? `BUG: kernel NULL pointer dereference, address: ${formatAddr(address)}`
      : `BUG: unable to handle page fault for address: ${formatAddr(address)}`;
  return [
    first,
    `#PF: ${mode} ${kind} in kernel mode`,
    `#PF: error_code(0x${error.toString(16).padStart(4, '0')}) - ${error & PF_PRESENT ? 'permissions violation' : 'not-present page'}`,
    'PGD 0 P4D 0',
  ];
}

/** `Code: 48 89 e5 <0f> 0b ...`: the byte at rip in angle brackets */
function code(kernel: OopsFloor, rip: Addr): string {
  const out: string[] = [];
  for (let i = -PROLOGUE; i < CODE_BYTES - PROLOGUE; i++) {
    const phys = kernel.memory.translate(rip + i, 0, false);
    if (phys < 0) {
      if (i === 0)
        return `Code: Unable to access opcode bytes at 0x${(BigInt.asUintN(64, BigInt(rip - PROLOGUE))).toString(16)}.`;
      if (i > 0) break;
      continue;
    }
    const byte = (kernel.memory.u8[phys] as number).toString(16).padStart(2, '0');
    out.push(i === 0 ? `<${byte}>` : byte);
  }
  return `Code: ${out.join(' ')}`;
}

/** Whether this is where the call that replaced a function's nop comes back to. */
function atEntryHook(kernel: OopsFloor, back: Addr): boolean {
  const at = kernel.symbols.at(back);
  if (!at || at.offset < 5 || at.offset > 9) return false;
  const symbol = kernel.symbols.get(at.name);
  return symbol !== undefined && kernel.text.entryNop(symbol) === back - 5;
}

/** Return addresses by frame pointers: every modelled function and every image keeps them. */
export function unwind(kernel: OopsFloor, frame: Addr = kernel.cpu.reg(5), max = MAX_FRAMES): Addr[] {
  const { memory, tasks } = kernel;
  const { stack, stackTop } = tasks.current;
  const out: Addr[] = [];
  while (out.length < max && frame >= stack && frame <= stackTop - 16 && frame % 8 === 0) {
    const back = memory.readAddr(frame + 8);
    if (back >= 0) break;
    if (back !== kernel.machine.haltAddress) out.push(back);
    // what hangs on a function's entry was called before the function made its frame: its caller is right above
    if (atEntryHook(kernel, back) && frame + 24 <= stackTop) {
      const caller = memory.readAddr(frame + 16);
      if (caller < 0) out.push(caller);
    }
    const next = memory.readAddr(frame);
    if (next <= frame) break;
    frame = next;
  }
  return out;
}
