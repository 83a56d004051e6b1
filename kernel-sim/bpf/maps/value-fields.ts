/**
 * Fields of values that the kernel looks after: locks, timers, work, kptrs, lists and trees (`struct btf_record`; Linux
 * 6.12 Documentation/bpf/graph_ds_impl.rst). User space neither sets nor sees them, and what they hold goes when the
 * value is written over, deleted, or its map freed.
 */
import type { Addr } from '../../../src/machine/addr.ts';
import type { GuestMemory } from '../../../src/machine/index.ts';
import type { SpecialField } from '../../../src/verifier/access/record.ts';

export class ValueFields {
  readonly #fields: readonly SpecialField[];
  readonly #free: (value: Addr, fields: readonly SpecialField[]) => void;
  /** timers and work: they stop when user space has the map no more */
  readonly #async: readonly SpecialField[];

  /** @param free `bpf_obj_free_fields`: lets go of what these fields of a value hold */
  constructor(fields: readonly SpecialField[], free: (value: Addr, fields: readonly SpecialField[]) => void) {
    this.#fields = fields;
    this.#free = free;
    this.#async = fields.filter(({ kind }) => kind === 'bpf_timer' || kind === 'bpf_wq');
  }
  get hasAsync(): boolean {
    return this.#async.length > 0;
  }
  free(value: Addr): void {
    this.#free(value, this.#fields);
  }
  /** `array_map_free_timers_wq` and its kin */
  cancel(value: Addr): void {
    this.#free(value, this.#async);
  }
  /** copy_map_value(): all bytes but theirs, to a physical address. @throws GuestFault before anything was copied */
  copy(memory: GuestMemory, to: number, from: Addr, size: number): void {
    const bytes = memory.readBytes(from, size);
    let done = 0;
    for (const { offset, size: length } of this.#fields) {
      memory.u8.set(bytes.subarray(done, offset), to + done);
      done = offset + length;
    }
    memory.u8.set(bytes.subarray(done), to + done);
  }
  /** check_and_init_map_value(), at a physical address */
  zero(u8: Uint8Array, at: number): void {
    for (const { offset, size } of this.#fields) u8.fill(0, at + offset, at + offset + size);
  }
}
