/** All tasks, which one runs, and the switch from one to another. */
import type { Addr } from '../../src/machine/addr.ts';
import { KernelError } from '../core/errno.ts';
import { THREAD_SIZE } from '../core/layout.ts';
import { Listeners } from '../core/listeners.ts';
import { capture, reinstate } from '../core/state.ts';
import type { TextFloor } from '../floors/text.ts';
import type { KmemCache } from '../mm/slab.ts';
import { AddressSpace, type MappingEvents } from '../user/address-space.ts';
import { Creds } from './creds.ts';
import type { Files } from './files.ts';
import type { KernelObjects } from './objects.ts';
import { Task } from './task.ts';
import { USER_DATA, USER_STACK_TOP, USER_TEXT, UserMemory, userProgram } from './user-memory.ts';

const USER_CS = 0x33;
const USER_DS = 0x2b;
/** flags of a user task: interrupts on */
const USER_FLAGS = 0x202;
const LOADER_PID = 1507;
/** NR_CACHED_STACKS of kernel/fork.c */
const CACHED_STACKS = 2;

/** What the threads of a process share, freed with the last of them. */
interface Group {
  threads: number;
  readonly owned: Addr[];
  readonly files: Addr;
  readonly mm: Addr;
  readonly signal: Addr;
  readonly maps: AddressSpace;
}

/** What tasks are made of. */
export type TasksFloor = TextFloor & { readonly files: Files; readonly objects: KernelObjects };

export class Tasks {
  readonly #kernel: TasksFloor;
  readonly #byPid = new Map<number, Task>();
  readonly #byAddress = new Map<Addr, Task>();
  readonly #cache: KmemCache;
  readonly #dead: Task[] = [];
  /** freed stacks that are still mapped */
  readonly #stacks: Addr[] = [];
  #current!: Task;
  /** pid 0 */
  readonly idle: Task;
  /** the task that loads programs: where host calls, test runs and bpf(2) itself run */
  readonly loader: Task;
  /** a user task was made; it waits to be scheduled */
  readonly created = new Listeners<[task: Task]>();
  /** a task ends: it is on no list any more, and everything that it has is still there */
  readonly exited = new Listeners<[task: Task]>();
  /** files that come into a process's address space, and leave it */
  readonly mappings: MappingEvents = { mapped: new Listeners(), unmapped: new Listeners() };
  /** addresses of `pcpu_hot`'s fields on CPU 0 */
  readonly #pcpuHot: { readonly currentTask: Addr; readonly topOfStack: Addr; readonly preemptCount: Addr };
  readonly #groups = new Map<number, Group>();
  #userText = 0;
  readonly creds: Creds;

  constructor(kernel: TasksFloor) {
    this.#kernel = kernel;
    this.creds = new Creds(kernel);
    const base = kernel.percpu.base + kernel.text.percpu('pcpu_hot');
    const hot = kernel.structs.of('pcpu_hot');
    this.#pcpuHot = {
      currentTask: base + hot.offset('current_task'),
      topOfStack: base + hot.offset('top_of_stack'),
      preemptCount: base + hot.offset('preempt_count'),
    };
    this.bindCpu(0);
    const layout = kernel.structs.of('task_struct');
    this.#cache = kernel.slab.create('task_struct', layout.size, 64);
    const initTask = kernel.symbols.address('init_task') ?? this.#cache.alloc();
    this.idle = this.#make(0, 0, 'swapper/0', undefined, initTask);
    this.loader = this.#make(LOADER_PID, LOADER_PID, 'ebpf-emu', this.idle);
    this.#current = this.loader;
    this.enter(this.loader);
  }
  save() {
    return capture({
      creds: this.creds,
      byPid: this.#byPid,
      byAddress: this.#byAddress,
      cache: this.#cache,
      dead: this.#dead,
      stacks: this.#stacks,
      groups: this.#groups,
      current: { task: this.#current },
      userText: this.#userText,
    });
  }
  restore(state: ReturnType<Tasks['save']>): void {
    const { current, userText } = reinstate(state);
    this.#current = current.task;
    this.#userText = userText;
  }

  /** The task that runs on the current CPU. */
  get current(): Task {
    return this.#current;
  }
  find(pid: number): Task | undefined {
    return this.#byPid.get(pid);
  }
  at(address: Addr): Task | undefined {
    return this.#byAddress.get(address);
  }
  all(): IterableIterator<Task> {
    return this.#byPid.values();
  }

  /** A user task that waits to be scheduled for the first time. */
  create(pid: number, tgid: number, comm: string, parent: Task, origAx = -1): Task {
    if (this.#byPid.has(pid)) throw new KernelError('EEXIST', `there is a task ${pid} already`);
    const task = this.#make(pid, tgid, comm, parent);
    // by rule: the pid says which CPU
    task.cpu = pid % this.#kernel.cpus;
    this.#kernel.memory.writeU32(task.field('thread_info.cpu'), task.cpu);
    task.user = new UserMemory(this.#kernel.memory, this.#text());
    this.#firstFrame(task, origAx);
    this.created.tell(task);
    return task;
  }
  #text(): number {
    if (this.#userText === 0) {
      const { memory } = this.#kernel;
      this.#userText = memory.allocPages(1);
      memory.u8.set(userProgram(), this.#userText);
    }
    return this.#userText;
  }
  #make(pid: number, tgid: number, comm: string, parent: Task | undefined, address = this.#cache.alloc()): Task {
    const { memory, structs } = this.#kernel;
    const layout = structs.of('task_struct');
    const stack = this.#allocStack();
    const uidOffset = structs.of('cred').offset('uid');
    const task = new Task(memory, layout, { pid, tgid, comm, address, stack, parent, uidOffset });
    const put32 = (path: string, value: number): void => memory.writeU32(task.field(path), value);
    const putAddr = (path: string, value: Addr): void => memory.writeAddr(task.field(path), value);
    put32('pid', pid);
    put32('tgid', tgid);
    put32('prio', 120);
    put32('static_prio', 120);
    put32('normal_prio', 120);
    put32('nr_cpus_allowed', this.#kernel.cpus);
    putAddr('stack', stack);
    const family = parent?.address ?? address;
    putAddr('real_parent', family);
    putAddr('parent', family);
    putAddr('group_leader', tgid === pid ? address : (this.#byPid.get(tgid)?.address ?? address));
    this.creds.share(task, parent?.cred ?? this.creds.init);
    const now = BigInt(this.#kernel.clock.now);
    memory.writeU64(task.field('start_time'), now);
    memory.writeU64(task.field('start_boottime'), now);
    const nsproxy = this.#kernel.objects.nsproxy;
    putAddr('nsproxy', nsproxy);
    task.pidStruct = this.#kernel.objects.pid(pid);
    putAddr('thread_pid', task.pidStruct);
    if (pid !== 0) {
      const group = this.#join(task, parent);
      putAddr('signal', group.signal);
      putAddr('files', group.files);
      putAddr('fs', this.#kernel.files.fsStruct);
      putAddr('mm', group.mm);
      putAddr('active_mm', group.mm);
      task.maps = group.maps;
    }
    this.#byPid.set(pid, task);
    this.#byAddress.set(address, task);
    return task;
  }
  /** alloc_thread_stack_node(): one that was freed lately is still mapped, and zeroed. */
  #allocStack(): Addr {
    const { memory, vmalloc } = this.#kernel;
    const stack = this.#stacks.pop();
    if (stack === undefined) return vmalloc.alloc(THREAD_SIZE, THREAD_SIZE);
    memory.fillBytes(stack, 0, THREAD_SIZE);
    return stack;
  }
  #freeStack(stack: Addr): void {
    if (this.#stacks.length < CACHED_STACKS) this.#stacks.push(stack);
    else this.#kernel.vmalloc.free(stack);
  }
  #join(task: Task, parent: Task | undefined): Group {
    const known = this.#groups.get(task.tgid);
    if (known) {
      known.threads++;
      return known;
    }
    const { files, objects } = this.#kernel;
    const table = files.newTable(parent && parent.pid !== 0 ? parent : undefined);
    const mm = objects.mm(task);
    const signal = objects.signal();
    const maps = new AddressSpace(this.#kernel, mm, undefined, this.mappings);
    const group: Group = { threads: 1, owned: [mm, signal], files: table, mm, signal, maps };
    this.#groups.set(task.tgid, group);
    return group;
  }
  #leave(task: Task): void {
    const group = this.#groups.get(task.tgid);
    if (!group || --group.threads > 0) return;
    this.#groups.delete(task.tgid);
    task.maps?.clear();
    this.#kernel.files.freeTable(group.files);
    for (const at of group.owned) this.#kernel.slab.kfree(at);
  }
  /** pt_regs at the stack's top and below them a switch frame that returns to ret_from_fork_asm, as copy_thread makes them. */
  #firstFrame(task: Task, origAx: number): void {
    const { memory, structs, text } = this.#kernel;
    const regs = structs.of('pt_regs');
    const at = task.stackTop - regs.size;
    const put = (path: string, value: Addr): void => memory.writeAddr(at + regs.offset(path), value);
    put('ip', USER_TEXT);
    put('cs', USER_CS);
    put('flags', USER_FLAGS);
    put('sp', USER_STACK_TOP - 64);
    put('ss', USER_DS);
    put('bx', USER_DATA);
    put('orig_ax', origAx);
    const fork = text.place('ret_from_fork_asm');
    memory.writeAddr(at - 8, fork);
    // __switch_to_asm pops six registers, then returns
    memory.writeAddr(task.field('thread.sp'), at - 8 - 48);
  }

  /** What a switch changes besides the stack pointer: the CPU too, where the next task has another one. */
  enter(task: Task): void {
    this.#current = task;
    const { memory, cpu, context, percpu } = this.#kernel;
    if (task.cpu !== context.cpu) {
      // the depth belongs to the code that switches, which goes on over there
      const depth = context.preemptCount;
      context.preemptCount = 0;
      memory.writeAddr(this.#pcpuHot.currentTask + percpu.offset(context.cpu) - percpu.base, this.idle.address);
      this.bindCpu(task.cpu);
      context.preemptCount = depth;
    }
    const away = percpu.offset(task.cpu) - percpu.base;
    memory.writeAddr(this.#pcpuHot.currentTask + away, task.address);
    memory.writeAddr(this.#pcpuHot.topOfStack + away, task.stackTop);
    cpu.rsp0 = task.stackTop;
    if (task.user) memory.switchUserSpace(task.user.space);
    const migration = memory.translate(task.field('migration_disabled'), 0, false);
    context.bindTask(task.commWords, task.pid, migration);
  }
  /** From here on code runs on this CPU. */
  bindCpu(n: number): void {
    const { memory, cpu, context, percpu } = this.#kernel;
    cpu.gsBase = percpu.offset(n);
    context.bindCpu(n, memory.translate(this.#pcpuHot.preemptCount + percpu.offset(n) - percpu.base, 1, false));
  }
  /** Living threads of its process. */
  threads(task: Task): number {
    return this.#groups.get(task.tgid)?.threads ?? 0;
  }
  /** The trace column shows a comm that changed. */
  renamed(task: Task, comm: string): void {
    task.comm = comm;
    if (task === this.#current) this.enter(task);
  }
  /** Takes it off the lists; its stack is freed once another task runs. */
  exit(task: Task, status: number): void {
    task.exitStatus = status;
    this.#byPid.delete(task.pid);
    this.#dead.push(task);
    this.exited.tell(task);
  }
  /** Frees the stacks and user pages of tasks that have exited. */
  reap(): void {
    while (this.#dead.length > 0) {
      const task = this.#dead.pop() as Task;
      if (task === this.#current) {
        this.#dead.push(task);
        return;
      }
      this.#byAddress.delete(task.address);
      this.#freeStack(task.stack);
      task.user?.release();
      this.#leave(task);
      this.creds.leave(task);
      if (task.pidStruct !== 0) this.#kernel.slab.kfree(task.pidStruct);
      this.#kernel.slab.freed.tell(task.address);
      this.#cache.free(task.address);
    }
  }
}
