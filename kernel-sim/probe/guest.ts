/** Guest objects of probes: event calls, program arrays, per-CPU counters. */
import type { Addr } from '../../src/machine/addr.ts';
import { KernelError } from '../core/errno.ts';
import type { ObjectFloor } from '../floors/objects.ts';
import type { ProgRef } from './types.ts';

export interface AttachedProg {
  readonly prog: ProgRef;
  readonly cookie: bigint;
}

/** One `struct trace_event_call` and the programs on it. */
export class EventCall {
  readonly address: Addr;
  readonly #kernel: ObjectFloor;
  readonly #progs: AttachedProg[] = [];
  #array: Addr = 0;
  constructor(kernel: ObjectFloor) {
    this.#kernel = kernel;
    this.address = kernel.slab.kmalloc(kernel.structs.of('trace_event_call').size);
  }
  save() {
    return { progs: this.#progs.slice(), array: this.#array };
  }
  restore({ progs, array }: ReturnType<EventCall['save']>): void {
    this.#progs.splice(0, this.#progs.length, ...progs);
    this.#array = array;
  }

  get count(): number {
    return this.#progs.length;
  }
  /** How many perf events count it: perf_tp_event() is asked where there are any. */
  set listeners(count: number) {
    const { memory, structs } = this.#kernel;
    memory.writeAddr(this.address + structs.of('trace_event_call').offset('perf_events'), count);
  }
  /** Adds a program behind the others, in a new array, as bpf_prog_array_copy does. @throws KernelError EEXIST */
  add(prog: ProgRef, cookie: bigint): AttachedProg {
    if (this.#progs.some((o) => o.prog === prog))
      throw new KernelError('EEXIST', `${prog.name} is attached to this event already`);
    const entry = { prog, cookie };
    this.#progs.push(entry);
    this.#publish();
    return entry;
  }
  remove(entry: AttachedProg): void {
    const at = this.#progs.indexOf(entry);
    if (at >= 0) this.#progs.splice(at, 1);
    this.#publish();
  }
  free(): void {
    const { rcu, slab } = this.#kernel;
    const array = this.#array;
    rcu.call(() => {
      if (array !== 0) slab.kfree(array);
      slab.kfree(this.address);
    });
  }
  #publish(): void {
    const { rcu, slab, memory, structs } = this.#kernel;
    const item = structs.of('bpf_prog_array_item');
    const items = structs.of('bpf_prog_array').offset('items');
    const old = this.#array;
    this.#array = this.#progs.length === 0 ? 0 : slab.kmalloc(items + (this.#progs.length + 1) * item.size);
    this.#progs.forEach(({ prog, cookie }, n) => {
      const at = this.#array + items + n * item.size;
      memory.writeAddr(at + item.offset('prog'), prog.address);
      memory.writeU64(at + item.offset('bpf_cookie'), cookie);
    });
    memory.writeAddr(this.address + structs.of('trace_event_call').offset('prog_array'), this.#array);
    if (old !== 0) rcu.call(() => slab.kfree(old));
  }
}

/** A u64 on each CPU, summed by the host. */
export class PerCpuCounter {
  readonly pointer: number;
  readonly #kernel: ObjectFloor;
  /** what it counted, once it is freed */
  #last: number | undefined;
  constructor(kernel: ObjectFloor) {
    this.#kernel = kernel;
    this.pointer = kernel.percpu.alloc(8);
  }
  save(): number | undefined {
    return this.#last;
  }
  restore(last: number | undefined): void {
    this.#last = last;
  }

  get value(): number {
    if (this.#last !== undefined) return this.#last;
    let sum = 0;
    for (let cpu = 0; cpu < this.#kernel.cpus; cpu++)
      sum += Number(this.#kernel.memory.readU64(this.#kernel.percpu.address(this.pointer, cpu)));
    return sum;
  }
  free(): void {
    this.#last = this.value;
    this.#kernel.rcu.call(() => this.#kernel.percpu.free(this.pointer));
  }
}
