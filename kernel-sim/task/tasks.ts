/** All tasks, which one runs, and the switch from one to another. */
import { type Addr, addrHi, addrLo } from '../../src/machine/addr.ts';
import { KernelError } from '../core/errno.ts';
import { THREAD_SIZE } from '../core/layout.ts';
import { Listeners } from '../core/listeners.ts';
import { capture, reinstate } from '../core/state.ts';
import type { TextFloor } from '../floors/text.ts';
import type { KmemCache } from '../mm/slab.ts';
import { Runqueues } from '../sched/runqueues.ts';
import { AddressSpace, type MappingEvents } from '../user/address-space.ts';
import { Creds } from './creds.ts';
import type { Files } from './files.ts';
import type { KernelObjects } from './objects.ts';
import { Task } from './task.ts';
import { TaskNamespaces } from './task-namespaces.ts';
import { USER_DATA, USER_STACK_TOP, USER_TEXT, UserMemory, userProgram } from './user-memory.ts';

const USER_CS = 0x33;
const USER_DS = 0x2b;
/** flags of a user task: interrupts on */
const USER_FLAGS = 0x202;
const LOADER_PID = 1507;
/** flags of the kernel's own code: interrupts on */
const KERNEL_FLAGS = 0x202;
/** bytes at an idle task's stack top that its two first frames are apart */
const SWITCH_ROOM = 256;
/** NR_CACHED_STACKS of kernel/fork.c */
const CACHED_STACKS = 2;

/** What the threads of a process share, freed with the last of them. */
interface Group {
  threads: number;
  readonly owned: Addr[];
  readonly files: Addr;
  readonly fs: Addr;
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
  /** tasks of which the recording has no more than their numbers */
  readonly #mentioned = new Map<number, Task>();
  readonly #cache: KmemCache;
  readonly #dead: Task[] = [];
  /** freed stacks that are still mapped */
  readonly #stacks: Addr[] = [];
  /** what runs on each CPU */
  readonly #running: Task[] = [];
  /** pid 0 of each CPU */
  readonly #idle: Task[] = [];
  /** where each CPU that does not execute waits: its stack pointer */
  readonly #parked: Addr[] = [];
  readonly runqueues: Runqueues;
  /** where `current_task` and `top_of_stack` of each CPU lie in memory, in words */
  readonly #words: { readonly current: number; readonly stack: number }[] = [];
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
  readonly spaces: TaskNamespaces;

  constructor(kernel: TasksFloor) {
    this.#kernel = kernel;
    this.spaces = new TaskNamespaces(kernel);
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
    this.runqueues = new Runqueues(kernel);
    for (let n = 0; n < kernel.cpus; n++) {
      const at = (address: Addr): number => kernel.memory.translate(address + n * kernel.percpu.unit, 1, false) >> 2;
      this.#words.push({ current: at(this.#pcpuHot.currentTask), stack: at(this.#pcpuHot.topOfStack) });
    }
    for (let n = 0; n < kernel.cpus; n++) {
      const address = (n === 0 ? kernel.symbols.address('init_task') : undefined) ?? this.#cache.alloc();
      const idle = this.#make(0, 0, `swapper/${n}`, this.#idle[0], address);
      this.#idle.push(idle);
      this.runqueues.adopt(idle, n);
      this.startCpu(n);
    }
    this.#byPid.set(0, this.#idle[0] as Task);
    this.loader = this.#make(LOADER_PID, LOADER_PID, 'ebpf-emu', this.#idle[0]);
    this.runqueues.adopt(this.loader, 0);
    this.runqueues.enqueue(this.loader);
    this.enter(this.loader);
    this.#preemptCount(0, 0);
  }
  save() {
    return capture({
      creds: this.creds,
      byPid: this.#byPid,
      byAddress: this.#byAddress,
      mentioned: this.#mentioned,
      cache: this.#cache,
      dead: this.#dead,
      stacks: this.#stacks,
      groups: this.#groups,
      running: this.#running,
      parked: this.#parked,
      runqueues: this.runqueues,
      userText: this.#userText,
    });
  }
  restore(state: ReturnType<Tasks['save']>): void {
    this.#userText = reinstate(state).userText;
  }

  /** The task that runs on the current CPU. */
  get current(): Task {
    return this.#running[this.#kernel.context.cpu] as Task;
  }
  /** The task that runs on a CPU. */
  running(cpu: number): Task {
    return this.#running[cpu] as Task;
  }
  /** A CPU's idle task. */
  idle(cpu: number): Task {
    return this.#idle[cpu] as Task;
  }
  find(pid: number): Task | undefined {
    return this.#byPid.get(pid);
  }
  /** A task that a call names: one that the recording tells no more of is there, and never runs. */
  known(pid: number): Task {
    const known = this.#byPid.get(pid) ?? this.#mentioned.get(pid);
    if (known !== undefined) return known;
    const task = this.#make(pid, pid, pid === 1 ? 'init' : 'unknown', this.#idle[0]);
    this.runqueues.adopt(task, 0);
    this.#byPid.delete(pid);
    this.#mentioned.set(pid, task);
    return task;
  }
  /** The task that has a number in the pid namespace of the one that runs. */
  numbered(nr: number): Task | undefined {
    const { current } = this;
    if (this.#kernel.objects.namespaces.level(current.pidStruct) === 0) return this.#byPid.get(nr);
    for (const task of this.#byPid.values()) if (this.numberOf(task, current) === nr) return task;
    return undefined;
  }
  /** A task's number as another sees it, 0 where it sees none. */
  numberOf(task: Task, by: Task): number {
    const { namespaces } = this.#kernel.objects;
    return namespaces.number(task.pidStruct, namespaces.active(by.pidStruct));
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
    this.runqueues.adopt(task, pid % this.#kernel.cpus);
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
    const stateOffset = structs.offsets('task_struct', ['__state']).__state;
    const task = new Task(memory, layout, { pid, tgid, comm, address, stack, parent, uidOffset, stateOffset });
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
    this.spaces.join(task, parent);
    task.execStart = this.#kernel.clock.now;
    if (pid !== 0) {
      const group = this.#join(task, parent);
      putAddr('signal', group.signal);
      putAddr('files', group.files);
      putAddr('fs', group.fs);
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
    const fs = files.newFs(parent && parent.pid !== 0 ? parent : undefined);
    const mm = objects.mm(task);
    const signal = objects.signal();
    const maps = new AddressSpace(this.#kernel, mm, undefined, this.mappings);
    const group: Group = { threads: 1, owned: [mm, signal, fs], files: table, fs, mm, signal, maps };
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

  /** An idle task of a CPU that has done nothing yet: frames that begin its loop, from another task's switch and from {@link move}. */
  startCpu(n: number): void {
    const { memory, text } = this.#kernel;
    const idle = this.idle(n);
    const top = idle.stackTop - SWITCH_ROOM;
    // __switch_to_asm pops six registers, then returns
    memory.writeAddr(top - 8, text.place('idle_from_task'));
    memory.writeAddr(idle.field('thread.sp'), top - 8 - 48);
    // other_cpu pops flags too
    memory.writeAddr(idle.stackTop - 8, text.place('start_secondary'));
    memory.writeAddr(idle.stackTop - 8 - 56, KERNEL_FLAGS);
    this.#parked[n] = idle.stackTop - 8 - 56;
    this.#running[n] = idle;
    this.#show(n, idle);
    this.#preemptCount(n, 1);
  }
  #preemptCount(cpu: number, count: number): void {
    const { memory, percpu } = this.#kernel;
    memory.writeU32(this.#pcpuHot.preemptCount + percpu.offset(cpu) - percpu.base, count);
  }
  /** CPU `n`'s own variables say what runs there. */
  #show(n: number, task: Task): void {
    const { memory, clock } = this.#kernel;
    const { current, stack } = this.#words[n] as { current: number; stack: number };
    memory.i32[current] = addrLo(task.address);
    memory.i32[current + 1] = addrHi(task.address);
    memory.i32[stack] = addrLo(task.stackTop);
    memory.i32[stack + 1] = addrHi(task.stackTop);
    this.runqueues.running(task, n, clock.now);
  }

  /** What a switch changes on the CPU that executes, besides the stack pointer. */
  enter(task: Task): void {
    const { cpu } = this.#kernel.context;
    this.#running[cpu] = task;
    this.#show(cpu, task);
    this.#bind(task);
  }
  #bind(task: Task): void {
    const { memory, cpu, context } = this.#kernel;
    cpu.rsp0 = task.stackTop;
    if (task.user) memory.switchUserSpace(task.user.space);
    context.bindTask(task.commWords, task.pid, task.words.migration, task.words.flags);
  }
  /** Another CPU executes from here on, where its stack pointer was left; that of this one is kept. */
  move(to: number, rsp: Addr): Addr {
    this.#parked[this.#kernel.context.cpu] = rsp;
    this.bindCpu(to);
    this.#bind(this.current);
    return this.#parked[to] as Addr;
  }
  /** From here on code runs on this CPU. */
  bindCpu(n: number): void {
    const { memory, cpu, context, percpu } = this.#kernel;
    cpu.gsBase = percpu.offset(n);
    context.bindCpu(n, memory.translate(this.#pcpuHot.preemptCount + percpu.offset(n) - percpu.base, 1, false));
  }
  /** The first CPU executes and runs the loader, whatever they did; the others idle. */
  recall(): void {
    for (let n = 0; n < this.#kernel.cpus; n++) this.startCpu(n);
    this.bindCpu(0);
    this.runqueues.enqueue(this.loader);
    this.enter(this.loader);
    this.#preemptCount(0, 0);
  }
  /** Living threads of its process. */
  threads(task: Task): number {
    return this.#groups.get(task.tgid)?.threads ?? 0;
  }
  /** The trace column shows a comm that changed. */
  renamed(task: Task, comm: string): void {
    task.comm = comm;
    if (task === this.current) this.enter(task);
  }
  /** Takes it off the lists; its memory is freed by {@link release}. */
  exit(task: Task, status: number): void {
    task.exitStatus = status;
    this.#byPid.delete(task.pid);
    this.#dead.push(task);
    this.exited.tell(task);
  }
  /** The task whose `rcu` lies there. */
  byRcu(rcu: Addr): Task | undefined {
    return this.at(rcu - this.loader.rcu + this.loader.address);
  }
  /** Frees the stack, the pages and the structure of a task that has exited and runs nowhere. */
  release(task: Task): void {
    const at = this.#dead.indexOf(task);
    if (at < 0 || this.#running.includes(task)) return;
    this.#dead.splice(at, 1);
    this.runqueues.dequeue(task);
    this.#byAddress.delete(task.address);
    this.#freeStack(task.stack);
    task.user?.release();
    this.#leave(task);
    this.creds.leave(task);
    this.spaces.leave(task);
    this.#kernel.slab.freed.tell(task.address);
    this.#cache.free(task.address);
  }
  /** As {@link release}, all that have exited. CPUs that ran one of them idle. */
  reap(): void {
    for (const task of this.#dead) {
      const on = this.#running.indexOf(task);
      if (on >= 0 && on !== this.#kernel.context.cpu) this.startCpu(on);
    }
    for (const task of this.#dead.toReversed()) this.release(task);
  }
}
