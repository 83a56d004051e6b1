/** Queues and stacks: Linux 6.12 Documentation/bpf/map_queue_stack.rst; a ring of `max_entries + 1` values. */
import type { Addr } from '../../../src/machine/addr.ts';
import { BPF_EXIST, BPF_MAP_TYPE } from '../../../src/uapi/index.ts';
import { ERRNO } from '../../core/errno.ts';
import { BpfMap, type MapAttrs, type MapContext } from './map.ts';

export class QueueStackMap extends BpfMap {
  readonly #size: number;
  readonly #isStack: boolean;
  constructor(context: MapContext, attrs: MapAttrs) {
    const f = context.layout.bpf_queue_stack;
    super(context, attrs, f.elements + (attrs.maxEntries + 1) * attrs.valueSize);
    this.#size = attrs.maxEntries + 1;
    this.#isStack = attrs.type === BPF_MAP_TYPE.STACK;
    this.host.memory.writeU32(this.addr + f.size, this.#size);
  }
  get #head(): number {
    return this.host.memory.readU32(this.addr + this.layout.bpf_queue_stack.head);
  }
  set #head(n: number) {
    this.host.memory.writeU32(this.addr + this.layout.bpf_queue_stack.head, n);
  }
  get #tail(): number {
    return this.host.memory.readU32(this.addr + this.layout.bpf_queue_stack.tail);
  }
  set #tail(n: number) {
    this.host.memory.writeU32(this.addr + this.layout.bpf_queue_stack.tail, n);
  }
  #slot(n: number): Addr {
    return this.addr + this.layout.bpf_queue_stack.elements + n * this.valueSize;
  }
  #after(n: number): number {
    return n + 1 >= this.#size ? 0 : n + 1;
  }
  override push(value: Addr, flags: number): number {
    const replace = (flags & BPF_EXIST) !== 0;
    if (flags & 1 || flags > BPF_EXIST) return -ERRNO.EINVAL;
    const { memory } = this.host;
    const after = this.#after(this.#head);
    if (after === this.#tail) {
      if (!replace) return -ERRNO.E2BIG;
      this.#tail = this.#after(this.#tail);
    }
    memory.writeBytes(this.#slot(this.#head), memory.readBytes(value, this.valueSize));
    this.#head = after;
    return 0;
  }
  #take(value: Addr, remove: boolean): number {
    const { memory } = this.host;
    if (this.#head === this.#tail) {
      memory.fillBytes(value, 0, this.valueSize);
      return -ERRNO.ENOENT;
    }
    const at = this.#isStack ? (this.#head === 0 ? this.#size - 1 : this.#head - 1) : this.#tail;
    memory.writeBytes(value, memory.readBytes(this.#slot(at), this.valueSize));
    if (remove) {
      if (this.#isStack) this.#head = at;
      else this.#tail = this.#after(at);
    }
    return 0;
  }
  override pop(value: Addr): number {
    return this.#take(value, true);
  }
  override peek(value: Addr): number {
    return this.#take(value, false);
  }
  override updateUser(_key: Addr, value: Addr, flags: number): number {
    return this.push(value, flags);
  }
  override update(_key: Addr, _value: Addr, _flags: number): number {
    return -ERRNO.EINVAL;
  }
  override delete(_key: Addr): number {
    return -ERRNO.EINVAL;
  }
  override nextKey(_key: Addr, _next: Addr): number {
    return -ERRNO.EINVAL;
  }
  override lookupUser(_key: Addr): Uint8Array | number {
    return this.#copy((at) => this.peek(at));
  }
  override lookupAndDelete(_key: Addr): Uint8Array | number {
    return this.#copy((at) => this.pop(at));
  }
  override get canLookupAndDelete(): boolean {
    return true;
  }
  #copy(take: (at: Addr) => number): Uint8Array | number {
    const at = this.host.kmalloc(this.valueSize);
    const err = take(at);
    const out = err < 0 ? err : this.host.memory.readBytes(at, this.valueSize);
    this.host.kfree(at);
    return out;
  }
}
