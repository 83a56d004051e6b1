/**
 * What interrupt state the CPU is in, as a trace line's columns show it
 * (Linux 6.12 Documentation/trace/ftrace.rst, "Trace file format"; include/linux/preempt.h).
 * The counts live in guest memory, where the kernel's own text changes them:
 * `pcpu_hot.preempt_count` and the task's `migration_disabled`.
 */
import { CPU, type CpuState, FLAG, type GuestMemory } from '../../src/machine/index.ts';

/** TIF_NEED_RESCHED (arch/x86/include/asm/thread_info.h) */
const NEED_RESCHED = 1 << 3;

/** The state that a trace event keeps; {@link flagsColumn} shows it. */
export interface EventState {
  preemptCount: number;
  migrationDisabled: number;
  irqsOff: boolean;
  /** the running task is to give way */
  needResched: boolean;
}

/**
 * `...21`: irqs off, need-resched, hard/softirq, preempt depth, migrate-disable depth. Whoever writes an event holds a
 * per-CPU buffer, with preemption off once more than the count says.
 */
export function flagsColumn(event: EventState): string {
  const { preemptCount: count, migrationDisabled: migrate, irqsOff } = event;
  const nmi = count & 0xf00000;
  const hard = count & 0xf0000;
  const soft = count & 0x100;
  const bhOff = (count & 0xfe00) !== 0;
  const irqColumn = irqsOff ? (bhOff ? 'D' : 'd') : bhOff ? 'b' : '.';
  const context = nmi ? (hard ? 'Z' : 'z') : hard ? (soft ? 'H' : 'h') : soft ? 's' : '.';
  const depth = (count & 0xff) + 1;
  const resched = event.needResched ? 'N' : '.';
  return `${irqColumn}${resched}${context}${digit(depth)}${digit(migrate)}`;
}
const digit = (n: number): string => (n === 0 ? '.' : n > 15 ? 'f' : n.toString(16));

export class Context {
  readonly #cpuState: CpuState;
  readonly #i32: Int32Array;
  /** running CPU */
  cpu = 0;
  /** physical index (in words) of this CPU's preempt_count */
  #preempt = 0;
  /** ... of the current task's migration_disabled (u16, within a word) */
  #u16: Uint16Array;
  #migrate = 0;
  /** ... of its thread_info.flags, in words */
  #flags = 0;
  /** pid and comm (16 bytes as words) of the current task */
  pid = 0;
  comm: Int32Array = new Int32Array(4);
  constructor(memory: GuestMemory, cpuState: CpuState) {
    this.#i32 = memory.i32;
    this.#u16 = memory.u16;
    this.#cpuState = cpuState;
  }
  save() {
    return {
      cpu: this.cpu,
      preempt: this.#preempt,
      migrate: this.#migrate,
      flags: this.#flags,
      pid: this.pid,
      comm: this.comm,
    };
  }
  restore(s: ReturnType<Context['save']>): void {
    this.cpu = s.cpu;
    this.#preempt = s.preempt;
    this.#migrate = s.migrate;
    this.#flags = s.flags;
    this.pid = s.pid;
    this.comm = s.comm;
  }

  /** Called on a CPU switch: where that CPU's preempt_count is (physical). */
  bindCpu(cpu: number, preemptCountPhys: number): void {
    this.cpu = cpu;
    this.#preempt = preemptCountPhys >> 2;
  }
  /** Called on a task switch, and when its comm changes: indices of its migration_disabled in half words, of its flags in words. */
  bindTask(comm: Int32Array, pid: number, migrationDisabled: number, flags: number): void {
    this.#flags = flags;
    this.#migrate = migrationDisabled;
    this.comm = comm;
    this.pid = pid;
  }
  /** TIF_NEED_RESCHED of the running task */
  get needResched(): boolean {
    return ((this.#i32[this.#flags] as number) & NEED_RESCHED) !== 0;
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
  /** Whether interrupts are off. IF is not among the flags that translated code keeps elsewhere. */
  get irqsOff(): boolean {
    return ((this.#cpuState.words[CPU.rflags >> 2] as number) & FLAG.IF) === 0;
  }
}
