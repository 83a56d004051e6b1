/**
 * A list of free objects in guest memory, one for each CPU, which kernel text takes from and adds to by itself
 * (`kmem_cache_cpu.freelist` of Linux's SLUB): the head is a per-CPU variable, each object has the next one's address in it.
 */
import type { Addr } from '../../src/machine/addr.ts';
import type { Context } from '../core/context.ts';
import type { DirectMap } from '../core/direct-map.ts';
import type { PerCpu } from './percpu.ts';

export class FreeList {
  readonly #direct: DirectMap;
  readonly #context: Context;
  readonly #percpu: PerCpu;
  readonly #head: number;
  readonly #next: number;

  /** `head`: offset of the per-CPU variable; `next`: of the pointer in a free object */
  constructor(direct: DirectMap, context: Context, percpu: PerCpu, head: number, next: number) {
    this.#direct = direct;
    this.#context = context;
    this.#percpu = percpu;
    this.#head = head;
    this.#next = next;
  }
  /** The object that was freed last; 0 where there is none. */
  pop(): Addr {
    const head = this.#percpu.offset(this.#context.cpu) + this.#head;
    const at = this.#direct.addr(head);
    if (at !== 0) this.#direct.putAddr(head, this.#direct.addr(at + this.#next));
    return at;
  }
  push(at: Addr): void {
    const head = this.#percpu.offset(this.#context.cpu) + this.#head;
    this.#direct.putAddr(at + this.#next, this.#direct.addr(head));
    this.#direct.putAddr(head, at);
  }
}
