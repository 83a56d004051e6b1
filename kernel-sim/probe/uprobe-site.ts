/** One place in a file that is probed, and where it is mapped. */
import { ElfError, Executable } from '../../src/elf/index.ts';
import type { Addr } from '../../src/machine/addr.ts';
import { CONSUMER, UPROBE } from '../core/trace-uprobe.ts';
import type { ObjectFloor } from '../floors/objects.ts';
import type { AddressSpace } from '../user/address-space.ts';
import { type AttachedProg, EventCall, PerCpuCounter } from './guest.ts';
import type { ProgRef, UprobePoint } from './types.ts';
import type { UprobeInsn } from './uprobe-insn.ts';

/** Who looks at a site. */
export interface UprobeConsumer {
  /** the model's `struct uprobe_consumer` */
  readonly address: Addr;
  readonly nhit: PerCpuCounter;
  /** of a perf event's; a multi link's program is in the consumer itself */
  readonly call: EventCall | undefined;
  readonly prog: AttachedProg | undefined;
  /** only in this process */
  readonly tgid: number | undefined;
  readonly onReturn: boolean;
}

export class UprobeSite {
  readonly path: string;
  readonly offset: number;
  readonly insn: UprobeInsn;
  /** offset in the file of the counter of those who look, 0 for none */
  readonly refCounter: number;
  /** the model's `struct uprobe` */
  readonly address: Addr;
  readonly consumers: UprobeConsumer[] = [];
  readonly #kernel: ObjectFloor;

  constructor(kernel: ObjectFloor, path: string, offset: number, insn: UprobeInsn, refCounter: number) {
    this.#kernel = kernel;
    this.path = path;
    this.offset = offset;
    this.insn = insn;
    this.refCounter = refCounter;
    this.address = kernel.slab.kmalloc(UPROBE.size);
  }
  #symbol: string | undefined;
  /** the function that begins here; '' where none does */
  get symbol(): string {
    this.#symbol ??= functionAt(this.#kernel.root.read(this.path), this.offset);
    return this.#symbol;
  }
  save() {
    return this.consumers.slice();
  }
  restore(consumers: ReturnType<UprobeSite['save']>): void {
    this.consumers.splice(0, this.consumers.length, ...consumers);
  }

  /** Whether somebody looks at it in this process. */
  wantedIn(tgid: number): boolean {
    return this.consumers.some((c) => c.tgid === undefined || c.tgid === tgid);
  }
  add(prog: ProgRef, point: UprobePoint, mm: Addr): UprobeConsumer {
    const { slab, memory, text } = this.#kernel;
    const address = slab.kmalloc(CONSUMER.size);
    const nhit = new PerCpuCounter(this.#kernel);
    const onReturn = point.ret === true;
    const put = (at: number, value: Addr): void => memory.writeAddr(address + at, value);
    memory.writeU64(address + CONSUMER.nhit, BigInt(nhit.pointer));
    put(CONSUMER.mm, mm);
    const call = point.multi ? undefined : new EventCall(this.#kernel);
    if (call !== undefined) {
      put(CONSUMER.call, call.address);
      put(CONSUMER.handler, text.place('uprobe_dispatcher'));
      if (onReturn) put(CONSUMER.retHandler, text.place('uretprobe_dispatcher'));
      memory.writeU32(address + CONSUMER.isReturn, onReturn ? 1 : 0);
    } else {
      if (onReturn) put(CONSUMER.retHandler, text.place('uprobe_multi_link_ret_handler'));
      else put(CONSUMER.handler, text.place('uprobe_multi_link_handler'));
      put(CONSUMER.prog, prog.address);
      memory.writeU64(address + CONSUMER.cookie, point.cookie ?? 0n);
    }
    const consumer: UprobeConsumer = {
      address,
      nhit,
      call,
      prog: call?.add(prog, point.cookie ?? 0n),
      tgid: point.tgid,
      onReturn,
    };
    // the list is walked from the one added last
    this.consumers.unshift(consumer);
    this.#publish();
    return consumer;
  }
  remove(consumer: UprobeConsumer): void {
    this.consumers.splice(this.consumers.indexOf(consumer), 1);
    this.#publish();
    if (consumer.call !== undefined) {
      if (consumer.prog !== undefined) consumer.call.remove(consumer.prog);
      consumer.call.free();
    }
    consumer.nhit.free();
    this.#kernel.slab.kfree(consumer.address);
  }
  #publish(): void {
    const { memory } = this.#kernel;
    const list = this.consumers;
    memory.writeAddr(this.address + UPROBE.consumers, list[0]?.address ?? 0);
    memory.writeU32(this.address + UPROBE.returns, list.filter((c) => c.onReturn).length);
    list.forEach((c, n) => {
      memory.writeAddr(c.address + CONSUMER.next, list[n + 1]?.address ?? 0);
    });
  }
  free(): void {
    this.#kernel.slab.kfree(this.address);
  }
}

function functionAt(bytes: Uint8Array | undefined, offset: number): string {
  if (bytes === undefined) return '';
  try {
    const file = Executable.parse(bytes);
    const at = file.addressOf(offset);
    const symbol = at === undefined ? undefined : file.functionAt(at);
    return symbol?.address === at ? (symbol?.name ?? '') : '';
  } catch (error) {
    if (error instanceof ElfError) return '';
    throw error;
  }
}

/** Breakpoints of one address space, by address, and the sites whose counters are up in it. */
export interface Installed {
  readonly at: Map<Addr, UprobeSite>;
  readonly counted: Set<UprobeSite>;
}
export type InstalledIn = Map<AddressSpace, Installed>;
