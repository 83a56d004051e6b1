/** What the hooks of the LSM are given beside tasks, files and sockets: objects by the calls that make them. */
import { capture, type Stateful } from '../core/state.ts';
import type { ObjectFloor } from '../floors/objects.ts';
import { registerCopies } from './copies.ts';
import { Ipc } from './ipc.ts';
import { registerObjects } from './objects.ts';
import { registerTasks } from './tasks.ts';

export class Security implements Stateful {
  readonly #ipc: Ipc;
  constructor(kernel: ObjectFloor) {
    const on = (name: string, handler: () => void): void => void kernel.text.hypercall(name, handler);
    registerCopies(kernel, on);
    registerTasks(kernel, on);
    registerObjects(kernel, on);
    this.#ipc = new Ipc(kernel, on);
  }
  save() {
    return capture({ ipc: this.#ipc });
  }
  restore(state: ReturnType<Security['save']>): void {
    state.back();
  }
}
