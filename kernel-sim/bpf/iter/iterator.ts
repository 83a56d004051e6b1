/** An open iterator: what BPF_ITER_CREATE gives a descriptor of, and opening a pinned link (`bpf_iter_new_fd`). */
import type { Addr } from '../../../src/machine/addr.ts';
import { MachineStop } from '../../../src/machine/index.ts';
import { ERRNO } from '../../core/errno.ts';
import type { FdObject } from '../../core/fds.ts';
import { SeqReader } from '../../iter/seq.ts';
import type { Element } from '../../iter/target.ts';
import { pair } from '../helpers/bodies/call.ts';
import type { BpfState } from '../objects/state.ts';
import type { BpfProg } from '../prog/prog.ts';
import type { Bound } from './targets.ts';

/** context: the address of its `struct bpf_iter_meta`, then what the target gives */
const MAX_CONTEXT = 64;

export class BpfIter implements FdObject {
  readonly fdName = 'anon_inode:bpf_iter';
  readonly #state: BpfState;
  readonly #prog: BpfProg;
  readonly #reader: SeqReader;
  /** memory of the context, and of `struct bpf_iter_meta` behind it */
  readonly #context: Addr;
  readonly #meta: { readonly seq_num: number };

  constructor(state: BpfState, prog: BpfProg, bound: Bound, session: number) {
    const { kernel } = state;
    const meta = kernel.structs.of('bpf_iter_meta');
    const walk = bound.open();
    this.#state = state;
    this.#prog = prog.get();
    this.#context = kernel.slab.kmalloc(MAX_CONTEXT + meta.size);
    this.#meta = { seq_num: this.#context + MAX_CONTEXT + meta.offset('seq_num') };
    this.#reader = new SeqReader(kernel, walk, (element, number) => this.#show(element ?? walk.atEnd, number));
    kernel.memory.writeAddr(this.#context, this.#context + MAX_CONTEXT);
    kernel.memory.writeAddr(this.#context + MAX_CONTEXT + meta.offset('seq'), this.#reader.seq.at);
    kernel.memory.writeAddr(this.#context + MAX_CONTEXT + meta.offset('session_id'), session);
  }
  save() {
    return this.#reader.save();
  }
  restore(state: ReturnType<BpfIter['save']>): void {
    this.#reader.restore(state);
  }

  read(bytes: number): Uint8Array | number {
    return this.#reader.read(bytes);
  }
  release(): void {
    this.#reader.close();
    this.#state.kernel.slab.kfree(this.#context);
    this.#prog.put();
  }

  /** `bpf_iter_run_prog`: an answer other than 0 asks for the element again. */
  #show(element: Element | readonly Addr[], number: number): number {
    const { kernel } = this.#state;
    const { memory, context, cpu, faults } = kernel;
    const values = 'context' in element ? element.context : element;
    for (const [n, value] of values.entries()) memory.writeAddr(this.#context + 8 + 8 * n, value);
    memory.writeAddr(this.#meta.seq_num, number);
    context.migrateDisable();
    const stop = kernel.machine.call(this.#prog.entry, [pair(this.#context), pair(this.#prog.insnsi)]);
    context.migrateEnable();
    if (stop.fault) throw new MachineStop(faults.oops(stop.fault));
    if (stop.reason !== 'halt') throw new MachineStop(stop);
    return cpu.regs[0] === 0 ? 0 : -ERRNO.EAGAIN;
  }
}
