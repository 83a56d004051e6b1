/**
 * What goes wrong on purpose, one row each: which functions fail, and how Linux's do (kernel/bpf/{helpers,ringbuf,hashtab}.c,
 * kernel/trace/bpf_trace.c).
 */
import { ArgumentError, checkArgument } from '../../errors/argument.ts';
import * as is from '../../errors/checks.ts';
import { nearestOrAll } from '../../errors/near.ts';
import type { Mock, MockBehaviour, MockError, MockFunction, MockOptions, Mocks } from './mock.ts';

/** A failing read leaves zeros behind. */
const unread: MockFunction = (_, call) => {
  const size = call.args['size'];
  call.write('dst', new Uint8Array(typeof size === 'number' ? size : 0));
  return { error: 'EFAULT' };
};
/** A dynptr without memory: 16 bytes of zeros. */
const noDynptr: MockFunction = (_, call) => {
  call.write('ptr', new Uint8Array(16));
  return { error: 'EINVAL' };
};

const NULL: MockError = { error: null };

const reads = (...names: readonly string[]) => Object.fromEntries(names.map((name) => [name, unread]));
const nulls = (...names: readonly string[]) => Object.fromEntries(names.map((name) => [name, NULL]));

const FAULTS = {
  /** bpf_map_update_elem and bpf_map_push_elem of a map that has no room: -E2BIG */
  map_full: { bpf_map_update_elem: { error: 'E2BIG' }, bpf_map_push_elem: { error: 'E2BIG' } },
  /** a ring buffer whose reader does not keep up: NULL, or -EAGAIN from bpf_ringbuf_output */
  ringbuf_full: {
    bpf_ringbuf_reserve: { error: null },
    bpf_ringbuf_output: { error: 'EAGAIN' },
    bpf_ringbuf_reserve_dynptr: noDynptr,
  },
  /** bpf_perf_event_output with a full buffer: -ENOSPC */
  perf_full: { bpf_perf_event_output: { error: 'ENOSPC' } },
  /** memory that cannot be read: -EFAULT, and the destination zeroed */
  probe_read: reads(
    'bpf_probe_read',
    'bpf_probe_read_str',
    'bpf_probe_read_user',
    'bpf_probe_read_kernel',
    'bpf_probe_read_user_str',
    'bpf_probe_read_kernel_str',
    'bpf_copy_from_user',
  ),
  /** no memory: NULL, and -ENOMEM from bpf_map_update_elem */
  alloc: {
    ...nulls(
      'bpf_obj_new_impl',
      'bpf_percpu_obj_new_impl',
      'bpf_cpumask_create',
      'bpf_task_storage_get',
      'bpf_inode_storage_get',
      'bpf_cgrp_storage_get',
      'bpf_sk_storage_get',
    ),
    bpf_map_update_elem: { error: 'ENOMEM' },
    bpf_timer_init: { error: 'ENOMEM' },
  },
} as const satisfies Readonly<Record<string, Readonly<Record<string, MockBehaviour>>>>;

export type FaultName = keyof typeof FAULTS;

/** A fault that is on. Off by {@link restore}, at the end of a `using` block, or with the mocks of its kernel. */
export class Fault implements Disposable {
  readonly name: FaultName;
  readonly #mocks: readonly Mock[];
  constructor(name: FaultName, mocks: readonly Mock[]) {
    this.name = name;
    this.#mocks = mocks;
  }
  /** calls that failed */
  get count(): number {
    return this.#mocks.reduce((sum, { answered }) => sum + answered, 0);
  }
  restore(): void {
    for (const mock of this.#mocks) mock.restore();
  }
  [Symbol.dispose](): void {
    this.restore();
  }
}

/** @throws ArgumentError: no such fault, with near ones */
export function injectFault(mocks: Mocks, name: FaultName, options: MockOptions): Fault {
  checkArgument('fault', name, is.text);
  const rows: Readonly<Record<string, MockBehaviour>> | undefined = Object.hasOwn(FAULTS, name)
    ? FAULTS[name]
    : undefined;
  const known = Object.keys(FAULTS);
  if (rows === undefined) throw new ArgumentError('fault', `there is no '${name}'${nearestOrAll(name, known)}`);
  // the n-th call is the n-th of them all
  const turn = { count: 0 };
  return new Fault(
    name,
    Object.entries(rows).map(([helper, behaviour]) => mocks.add(helper, behaviour, options, turn)),
  );
}
