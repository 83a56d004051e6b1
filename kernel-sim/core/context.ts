/**
 * What interrupt state the CPU is in, as a trace line's columns show it
 * (Linux 6.12 Documentation/trace/ftrace.rst, "Trace file format"; include/linux/preempt.h).
 * The counts live in guest memory, where the kernel's own text changes them:
 * `pcpu_hot.preempt_count` and the task's `migration_disabled`.
 */
import type { CpuState, GuestMemory } from '../../src/machine/index.ts';

const FLAG_IF = 0x200;

export class Context {
  readonly #cpuState: CpuState;
  readonly #i32: Int32Array;
  /** running CPU */
  cpu = 0;
  #cpuText = '000';
  /** physical index (in words) of this CPU's preempt_count */
  #preempt = 0;
  /** ... of the current task's migration_disabled (u16, within a word) */
  #u16: Uint16Array;
  #migrate = 0;
  /** comm and pid of the current task, as the column shows them */
  #task = '';
  constructor(memory: GuestMemory, cpuState: CpuState) {
    this.#i32 = memory.i32;
    this.#u16 = memory.u16;
    this.#cpuState = cpuState;
  }
  /** Called on a CPU switch: where that CPU's preempt_count is (physical). */
  bindCpu(cpu: number, preemptCountPhys: number): void {
    this.cpu = cpu;
    this.#cpuText = String(cpu).padStart(3, '0');
    this.#preempt = preemptCountPhys >> 2;
  }
  /** preempt_count of a record made inside n more preempt-disabled sections than the text has */
  extra = 0;
  /** Called on a task switch, and when its comm changes. */
  bindTask(comm: string, pid: number, migrationDisabledPhys: number): void {
    this.#migrate = migrationDisabledPhys >> 1;
    this.#task = `${comm.padStart(16)}-${String(pid).padEnd(7)}`;
  }
  get preemptCount(): number {
    return this.#i32[this.#preempt] as number;
  }
  set preemptCount(n: number) {
    this.#i32[this.#preempt] = n;
  }
  get migrationDisabled(): number {
    return this.#u16[this.#migrate] as number;
  }
  set migrationDisabled(n: number) {
    this.#u16[this.#migrate] = n;
  }
  /** preempt_disable() and migrate_disable() by the host, e.g. around a test run */
  preemptDisable(): void {
    this.preemptCount++;
  }
  preemptEnable(): void {
    this.preemptCount--;
  }
  migrateDisable(): void {
    this.migrationDisabled++;
  }
  migrateEnable(): void {
    this.migrationDisabled--;
  }
  /** `           <...>-123    `: comm right-aligned in 16, pid left-aligned in 7 */
  taskColumn(): string {
    return this.#task;
  }
  cpuColumn(): string {
    return this.#cpuText;
  }
  /**
   * `...21`: irqs off, need-resched, hard/softirq, preempt depth, migrate-disable depth.
   */
  flagsColumn(): string {
    const count = this.preemptCount;
    const irqs = (this.#cpuState.rflags & FLAG_IF) === 0;
    const nmi = count & 0xf00000;
    const hard = count & 0xf0000;
    const soft = count & 0x100;
    const bhOff = (count & 0xfe00) !== 0;
    const irqColumn = irqs ? (bhOff ? 'D' : 'd') : bhOff ? 'b' : '.';
    const context = nmi ? (hard ? 'Z' : 'z') : hard ? (soft ? 'H' : 'h') : soft ? 's' : '.';
    const depth = (count & 0xff) + this.extra;
    const migrate = this.migrationDisabled;
    return `${irqColumn}.${context}${depth ? (depth > 15 ? 'f' : depth.toString(16)) : '.'}${migrate ? (migrate > 15 ? 'f' : migrate.toString(16)) : '.'}`;
  }
}
