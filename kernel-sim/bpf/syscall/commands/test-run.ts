/** BPF_PROG_TEST_RUN by its attributes: what each family of programs takes and gives back (Linux 6.12 net/bpf/test_run.c). */
import { BPF_F_TEST_XDP_LIVE_FRAMES } from '../../../../src/uapi/index.ts';
import { ETH_HLEN } from '../../../net/packet.ts';
import type { TestRunOptions, TestRunResult } from '../../prog/test-run.ts';
import { progTypeRow, type TestRunFamily } from '../../prog/types.ts';
import type { Call } from './call.ts';

/** Offsets in `union bpf_attr.test`. */
const T = {
  prog_fd: 0,
  retval: 4,
  data_size_in: 8,
  data_size_out: 12,
  data_in: 16,
  data_out: 24,
  repeat: 32,
  duration: 36,
  ctx_size_in: 40,
  ctx_size_out: 44,
  ctx_in: 48,
  ctx_out: 56,
  flags: 64,
  cpu: 68,
  batch_size: 72,
};
type Field = keyof typeof T;
const WIDE: readonly Field[] = ['data_in', 'data_out', 'ctx_in', 'ctx_out'];

interface Family {
  /** fields that must be zero */
  readonly refuses: readonly Field[];
  /** what comes back: a packet and a context, or the context in its own place */
  readonly gives: 'packet' | 'ctx' | 'ctx in place' | 'retval';
  /** bytes of the context that the kernel knows; beyond them only zeroes are taken */
  readonly ctxSize?: number;
}

const PACKET: Family = { refuses: ['cpu', 'batch_size'], gives: 'packet', ctxSize: 192 };
const RAW_TP: Family = {
  refuses: ['data_in', 'data_out', 'ctx_out', 'duration', 'repeat', 'batch_size'],
  gives: 'retval',
};
const TRACING: Family = { refuses: ['flags', 'cpu', 'batch_size'], gives: 'retval' };
const FAMILIES: Readonly<Record<TestRunFamily, Family>> = {
  skb: PACKET,
  xdp: { refuses: [], gives: 'packet', ctxSize: 24 },
  flow_dissector: { refuses: ['flags', 'cpu', 'batch_size'], gives: 'packet', ctxSize: 56 },
  sk_lookup: {
    refuses: ['flags', 'cpu', 'batch_size', 'data_in', 'data_size_in', 'data_out', 'data_size_out'],
    gives: 'packet',
    ctxSize: 72,
  },
  syscall: {
    refuses: ['data_in', 'data_out', 'ctx_out', 'duration', 'repeat', 'flags', 'batch_size'],
    gives: 'ctx in place',
  },
  raw_tp: RAW_TP,
  tracing: TRACING,
};

export function progTestRun(call: Call): number {
  const value = (field: Field): number => (WIDE.includes(field) ? call.pointer(T[field]) : call.u32(T[field]));
  const goTogether = (size: Field, at: Field): boolean => (value(size) !== 0) === (value(at) !== 0);
  if (!goTogether('ctx_size_in', 'ctx_in') || !goTogether('ctx_size_out', 'ctx_out'))
    call.fail('EINVAL', 'a context and its size go together');
  const prog = call.state.progByFd(call.command, call.s32(T.prog_fd));
  const name = progTypeRow(prog.type)?.testRun ?? call.fail('ENOTSUPP', 'programs of this type have no test run');
  const family = FAMILIES[name];
  if (name === 'xdp' && !(value('flags') & BPF_F_TEST_XDP_LIVE_FRAMES) && value('batch_size') !== 0)
    call.fail('EINVAL', 'batches are of live frames');
  for (const field of family.refuses) if (value(field) !== 0) call.fail('EINVAL', `test.${field}`);
  const packet = (): Uint8Array | undefined => {
    const size = value('data_size_in');
    if (family.gives !== 'packet' || size === 0) return undefined;
    // `bpf_test_init`: before a byte is copied
    if (size < ETH_HLEN) call.fail('EINVAL', `${size} bytes are no packet`);
    return call.copyIn(value('data_in'), size);
  };
  const [first, dataFirst] = name === 'xdp' ? [undefined, false] : [packet(), true];
  const ctx = contextOf(call, family, value('ctx_size_in'));
  const dataIn = dataFirst ? first : packet();
  const options: TestRunOptions = {
    ...(dataIn ? { dataIn } : {}),
    ...(ctx ? { ctxIn: ctx } : {}),
    repeat: value('repeat'),
    flags: value('flags'),
    cpu: value('cpu'),
  };
  const result = call.programs.testRun(prog, options);
  return give(call, family, result);
}

/** `bpf_ctx_init`: also where only room for it was given, as zeroes. */
function contextOf(call: Call, { ctxSize }: Family, size: number): Uint8Array | undefined {
  const from = call.pointer(T.ctx_in);
  if (ctxSize === undefined) return from === 0 ? undefined : call.copyIn(from, size);
  if (from === 0) return call.pointer(T.ctx_out) === 0 ? undefined : new Uint8Array(ctxSize);
  if (size > ctxSize) {
    const beyond = call.copyIn(from + ctxSize, size - ctxSize);
    if (beyond.some((b) => b !== 0)) call.fail('E2BIG', `a context of ${size} bytes, of which ${ctxSize} are known`);
  }
  return call.copyIn(from, Math.min(size, ctxSize));
}

/** `bpf_test_finish` and `bpf_ctx_finish`: what does not fit is cut, and all sizes are told. */
function give(call: Call, family: Family, result: TestRunResult): number {
  if (family.gives !== 'packet') {
    if (family.gives === 'ctx in place') {
      call.put32(T.retval, result.retval);
      call.copyOut(call.pointer(T.ctx_in), result.ctxOut);
    } else call.put32(T.retval, result.retval);
    return 0;
  }
  let fits = cut(call, result.dataOut, T.data_out, call.u32(T.data_size_out) || undefined);
  call.put32(T.data_size_out, result.dataOut.length);
  call.put32(T.retval, result.retval);
  call.put32(T.duration, result.duration);
  if (!fits) call.fail('ENOSPC', `${result.dataOut.length} bytes of data`);
  if (result.ctxOut.length > 0 && call.pointer(T.ctx_out) !== 0) {
    fits = cut(call, result.ctxOut, T.ctx_out, call.u32(T.ctx_size_out));
    call.put32(T.ctx_size_out, result.ctxOut.length);
    if (!fits) call.fail('ENOSPC', `${result.ctxOut.length} bytes of context`);
  }
  return 0;
}

/** `room` undefined: as much as there is */
function cut(call: Call, bytes: Uint8Array, pointer: number, room: number | undefined): boolean {
  const kept = room === undefined ? bytes : bytes.subarray(0, room);
  const to = call.pointer(pointer);
  const fits = kept.length === bytes.length;
  // what was cut is told rather than that it could not be stored
  if (to !== 0 && kept.length > 0 && !call.process.memory.write(to, kept)) {
    if (fits) call.fail('EFAULT', 'the buffer for what comes out');
    call.fail('ENOSPC', `${bytes.length} bytes`);
  }
  return fits;
}
