/** Which namespaces a task is in: its `nsproxy`, and `thread_pid` with its numbers (kernel/nsproxy.c, kernel/pid.c, Linux 6.12). */
import type { Addr } from '../../src/machine/addr.ts';
import type { GuestMemory } from '../../src/machine/index.ts';
import type { KernelObjects } from './objects.ts';
import type { Task } from './task.ts';

export class TaskNamespaces {
  readonly #kernel: { readonly memory: GuestMemory; readonly objects: KernelObjects };
  constructor(kernel: { readonly memory: GuestMemory; readonly objects: KernelObjects }) {
    this.#kernel = kernel;
  }
  /** `struct nsproxy`; 0 of a task that has ended */
  proxy(task: Task): Addr {
    return this.#kernel.memory.readAddr(task.field('nsproxy'));
  }
  /** A task that is made is in its parent's, with a number in those that its children are to be in. */
  join(task: Task, parent: Task | undefined): void {
    const { namespaces } = this.#kernel.objects;
    const proxy = (parent && this.proxy(parent)) || namespaces.init;
    this.#point(task, namespaces.getProxy(proxy));
    this.number(task, namespaces.in(proxy, 'pid'));
  }
  /** alloc_pid() in a namespace: what the task had before goes. */
  number(task: Task, ns: Addr): void {
    const { memory, objects } = this.#kernel;
    const old = task.pidStruct;
    if (old !== 0 && objects.namespaces.active(old) === ns) return;
    task.pidStruct = objects.namespaces.pid(task.pid, ns, old);
    memory.writeAddr(task.field('thread_pid'), task.pidStruct);
    if (old !== 0) objects.namespaces.freePid(old);
  }
  /** switch_task_namespaces(): the task takes over a reference; 0 where it ends. */
  switchTo(task: Task, proxy: Addr): void {
    const old = this.proxy(task);
    this.#point(task, proxy);
    if (old !== 0) this.#kernel.objects.namespaces.dropProxy(old);
  }
  /** Its structure is freed. */
  leave(task: Task): void {
    const { namespaces } = this.#kernel.objects;
    if (this.proxy(task) !== 0) this.switchTo(task, 0);
    if (task.pidStruct !== 0) namespaces.freePid(task.pidStruct);
  }
  #point(task: Task, proxy: Addr): void {
    this.#kernel.memory.writeAddr(task.field('nsproxy'), proxy);
  }
}
