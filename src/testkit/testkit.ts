/** What a test makes happen in a kernel, and what it sees of it. */
import type { Kernel, Task } from '../../kernel-sim/index.ts';
import { ArgumentError, checkOptions, type Schema } from '../errors/argument.ts';
import * as is from '../errors/checks.ts';
import type { LoadedObject } from '../object/index.ts';
import { EventLog } from './events.ts';
import { type TaskOwner, TestTask } from './task.ts';

export interface TaskOptions {
  /** default: the next that is free, from 1000 */
  readonly pid?: number;
  /** a task that there is; default: the kernel's first, 0 */
  readonly ppid?: number;
  /** its name, of which Linux keeps 15 bytes. Default `test` */
  readonly comm?: string;
  /** all four user ids; one other than 0 has no capabilities. Default 0 */
  readonly uid?: number;
  /** all four group ids. Default 0 */
  readonly gid?: number;
}

const ID = is.whole(0, 0xffff_fffe);
const PID = is.whole(1, 0x3f_ffff);
const TASK: Schema<TaskOptions> = { pid: PID, ppid: is.whole(0, 0x3f_ffff), comm: is.text, uid: ID, gid: ID };
const FIRST_PID = 1000;

export class TestKit implements TaskOwner {
  readonly kernel: Kernel;
  #traced = '';

  constructor(kernel: Kernel) {
    this.kernel = kernel;
  }

  /**
   * A process that is there, and waits for what it is to do.
   * @throws ArgumentError: a pid that is taken, a parent that is not there
   */
  task(options: TaskOptions = {}): TestTask {
    checkOptions('options', options, TASK);
    const { tasks } = this.kernel;
    const { pid = this.freePid(), ppid = 0, comm = 'test', uid = 0, gid = 0 } = options;
    if (tasks.find(pid)) throw new ArgumentError('options.pid', `there is a task ${pid} already`);
    const parent = tasks.find(ppid);
    if (!parent) throw new ArgumentError('options.ppid', `there is no task ${ppid}; make it before its child`);
    const task = tasks.create(pid, pid, comm, parent);
    this.#setIds(task, uid, gid);
    return new TestTask(this, task);
  }

  freePid(): number {
    let pid = FIRST_PID;
    while (this.kernel.tasks.find(pid)) pid++;
    return pid;
  }

  /**
   * Events that programs send through a ring buffer or a perf event array, from now on.
   * @param map its name in the object
   * @throws ArgumentError: no such map, with near ones; a map of another type
   */
  events(loaded: LoadedObject<Kernel>, map: string): EventLog {
    return new EventLog(this.kernel, loaded, map);
  }

  /** All that programs have traced (bpf_printk) and nobody else has read. */
  get traced(): string {
    this.#traced += this.kernel.tracePipe.read();
    return this.#traced;
  }

  #setIds(task: Task, uid: number, gid: number): void {
    const { creds } = this.kernel.tasks;
    const cred = creds.prepare(task);
    for (const field of ['uid', 'suid', 'euid', 'fsuid'] as const) creds.setId(cred, field, uid);
    for (const field of ['gid', 'sgid', 'egid', 'fsgid'] as const) creds.setId(cred, field, gid);
    // capabilities(7): a user other than root has what root gave, which is nothing
    if (uid !== 0) for (const set of ['cap_permitted', 'cap_effective'] as const) creds.setCaps(cred, set, 0n);
    creds.commit(task, cred);
  }
}

/** Tasks, events and what was traced, for tests. */
export const testkit = (kernel: Kernel): TestKit => new TestKit(kernel);
