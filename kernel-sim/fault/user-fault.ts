/** A fault in user space: the signal that it becomes, and the line that the kernel logs (Linux 6.12 arch/x86/mm/fault.c, arch/x86/kernel/traps.c). */

import { formatAddr } from '../../src/machine/addr.ts';
import { type Fault, type FaultKind, RSP } from '../../src/machine/index.ts';
import { hexBytes } from '../../src/platform/index.ts';
import { SIG } from '../../src/uapi/process.ts';
import type { ObjectFloor } from '../floors/objects.ts';

const SIGNALS: Readonly<Partial<Record<FaultKind, number>>> = { ud: 4, bp: 5, db: 5, de: 8 };

const TRAPS: Readonly<Partial<Record<FaultKind, string>>> = {
  ud: 'invalid opcode',
  de: 'divide error',
  gp: 'general protection fault',
  ss: 'stack segment',
};

/** Logs it. Gives the signal that ends the task. */
export function userFault({ cpu, tasks, printk, memory }: ObjectFloor, fault: Fault): number {
  const { comm, pid, maps } = tasks.current;
  const hex = (n: number): string => n.toString(16);
  const area = maps?.find(fault.rip);
  const where = area?.name.startsWith('/')
    ? ` in ${area.name.slice(area.name.lastIndexOf('/') + 1)}[${hex(fault.rip - area.start + area.offset)},${hex(area.start)}+${hex(area.end - area.start)}]`
    : '';
  const [ip, sp] = [formatAddr(fault.rip), formatAddr(cpu.reg(RSP))];
  const trap = TRAPS[fault.kind];
  if (trap === undefined)
    printk.log(
      `${comm}[${pid}]: segfault at ${hex(fault.address ?? 0)} ip ${ip} sp ${sp} error ${hex(fault.errorCode)}${where}`,
    );
  else printk.log(`traps: ${comm}[${pid}] trap ${trap} ip:${ip} sp:${sp} error:${hex(fault.errorCode)}${where}`);
  // what a processor has and this machine has not is said by its bytes
  if (fault.kind === 'ud') {
    const phys = maps?.physical(fault.rip) ?? -1;
    const bytes = phys < 0 ? (fault.bytes ?? new Uint8Array(0)) : memory.u8.subarray(phys, phys + 8);
    const text = hexBytes(bytes);
    printk.log(
      `${comm}[${pid}]: ${fault.detail ?? `${text}: no instruction of this machine (integer, BMI, SSE and SSE2)`}`,
    );
  }
  return SIGNALS[fault.kind] ?? SIG.SEGV;
}
