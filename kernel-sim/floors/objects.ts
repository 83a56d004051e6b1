/** Floor 2, objects: tasks, files and what hangs off them, system calls, the trace buffer, faults. */
import type { Faults } from '../fault/faults.ts';
import type { Scheduler } from '../sched/scheduler.ts';
import type { Departures } from '../syscall/departures.ts';
import type { Recorded } from '../syscall/recorded.ts';
import type { Files } from '../task/files.ts';
import type { KernelObjects } from '../task/objects.ts';
import type { Tasks } from '../task/tasks.ts';
import type { TraceBuffer } from '../trace/buffer.ts';
import type { Programs } from '../user/programs.ts';
import type { RootFiles } from '../user/root.ts';
import type { MadeEvents } from '../vfs/tracefs/made-events.ts';
import type { TextFloor } from './text.ts';

export interface ObjectFloor extends TextFloor {
  /** events that were made by writing to tracefs */
  readonly madeEvents: MadeEvents;
  readonly objects: KernelObjects;
  readonly files: Files;
  readonly tasks: Tasks;
  /** run queues, timers, interrupts, softirqs */
  readonly sched: Scheduler;
  readonly trace: TraceBuffer;
  readonly faults: Faults;
  /** the recorded result of the system call that runs, where the text reads it */
  readonly recorded: Recorded;
  /** where verdicts of programs changed what recorded calls return */
  readonly departures: Departures;
  /** files of user space */
  readonly root: RootFiles;
  /** processes that execute code of their own */
  readonly programs: Programs;
}
