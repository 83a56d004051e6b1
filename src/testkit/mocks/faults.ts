/**
 * What goes wrong on purpose, one row each: which functions fail, and how Linux's do (kernel/bpf/{helpers,ringbuf,hashtab}.c,
 * kernel/trace/bpf_trace.c).
 */

import type { Kernel } from '../../../kernel-sim/index.ts';
import { ArgumentError, checkArgument } from '../../errors/argument.ts';
import * as is from '../../errors/checks.ts';
import { BpfError, type Errno } from '../../errors/index.ts';
import { nearestOrAll } from '../../errors/near.ts';
import type { Mock, MockBehaviour, MockError, MockFunction, MockOptions, Mocks } from './mock.ts';
import { isNamed } from './mock.ts';

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
  /** a map that has no room, for programs and for user space: -E2BIG */
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
  /** no memory: NULL, and -ENOMEM from bpf_map_update_elem; for user space no element, map, program or link */
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

/** The same for user space: which commands of bpf(2), and with what. */
const COMMANDS: { readonly [fault in FaultName]?: Readonly<Record<string, Errno>> } = {
  map_full: { BPF_MAP_UPDATE_ELEM: 'E2BIG' },
  alloc: {
    BPF_MAP_UPDATE_ELEM: 'ENOMEM',
    BPF_MAP_CREATE: 'ENOMEM',
    BPF_PROG_LOAD: 'ENOMEM',
    BPF_LINK_CREATE: 'ENOMEM',
    BPF_RAW_TRACEPOINT_OPEN: 'ENOMEM',
  },
};

export type FaultName = keyof typeof FAULTS;

/** A fault that is on. Off by {@link restore}, at the end of a `using` block, or with the mocks of its kernel. */
export class Fault implements Disposable {
  readonly name: FaultName;
  readonly #mocks: readonly Mock[];
  readonly #commands: FailingCommands;
  constructor(name: FaultName, mocks: readonly Mock[], commands: FailingCommands) {
    this.name = name;
    this.#mocks = mocks;
    this.#commands = commands;
  }
  /** calls that failed */
  get count(): number {
    return this.#mocks.reduce((sum, { answered }) => sum + answered, this.#commands.count);
  }
  restore(): void {
    this.#commands.end();
    for (const mock of this.#mocks) mock.restore();
  }
  [Symbol.dispose](): void {
    this.restore();
  }
}

export interface FailingCommands {
  /** commands that failed */
  readonly count: number;
  end(): void;
}

/** Lets commands of user space fail in their turn. */
function failCommands(
  kernel: Kernel,
  mocks: Mocks,
  errors: Readonly<Record<string, Errno>>,
  { from = 1, times = Number.POSITIVE_INFINITY, map }: MockOptions,
  turn: { count: number },
): FailingCommands {
  let count = 0;
  const stop = kernel.bpf.state.takesRoom.add((command, of) => {
    const errno = errors[command];
    if (errno === undefined || (map !== undefined && !isNamed(of?.name, map))) return;
    const n = ++turn.count;
    if (n < from || n >= from + times) return;
    count++;
    throw new BpfError(command, errno, 'a fault on purpose');
  });
  return {
    get count() {
      return count;
    },
    end: mocks.until(stop),
  };
}

/** @throws ArgumentError: no such fault, with near ones */
export function injectFault(kernel: Kernel, mocks: Mocks, name: FaultName, options: MockOptions): Fault {
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
    failCommands(kernel, mocks, COMMANDS[name] ?? {}, options, turn),
  );
}
