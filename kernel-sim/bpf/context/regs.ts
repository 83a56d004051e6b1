/**
 * Contexts of tracing programs that are plain memory: pt_regs, tracepoint records, raw tracepoint
 * arguments, perf events, system call programs. kernel/trace/bpf_trace.c and kernel/bpf/syscall.c, Linux 6.12.
 */

import { ldx } from '../../../src/isa/build.ts';
import type { Insn } from '../../../src/isa/index.ts';
import type { ContextModel, CtxAccess } from '../../../src/verifier/kernel.ts';
import type { ContextEnv } from './env.ts';

const PT_REGS_SIZE = 168;
const PERF_MAX_TRACE_SIZE = 8192;
/** sizeof(void *): the common header of a record that programs do not see */
const TRACE_HEADER = 8;
const MAX_BPF_FUNC_ARGS = 12;
const U16_MAX = 0xffff;

const SCALAR: CtxAccess = { regType: 'SCALAR_VALUE' };

/** kprobe and its kin: `struct pt_regs`, read only. */
export const kprobeContext = (): ContextModel => ({
  size: PT_REGS_SIZE,
  userType: 'pt_regs',
  access: (off, size, write) =>
    !write && off >= 0 && off < PT_REGS_SIZE && off % size === 0 && off + size <= PT_REGS_SIZE ? SCALAR : undefined,
});

/** A record of `events/…/format`: whatever its size, beyond the header (which the kernel compares unsigned, so not what lies before). */
export const tracepointContext = (): ContextModel => ({
  size: PERF_MAX_TRACE_SIZE,
  access: (off, size, write) =>
    !write && (off < 0 || off >= TRACE_HEADER) && off < PERF_MAX_TRACE_SIZE && off % size === 0 ? SCALAR : undefined,
});

/** `struct bpf_raw_tracepoint_args`: at most twelve arguments of eight bytes. */
export const rawTracepointContext = (writable: boolean): ContextModel => ({
  size: MAX_BPF_FUNC_ARGS * 8,
  userType: 'bpf_raw_tracepoint_args',
  access: (off, size, write) => {
    if (off < 0 || off >= MAX_BPF_FUNC_ARGS * 8 || write || off % size !== 0) return undefined;
    if (!writable || off !== 0) return SCALAR;
    return size === 8 ? { regType: 'PTR_TO_TP_BUFFER' } : undefined;
  },
});

const SAMPLE_PERIOD_AT = 168;
const ADDR_AT = 176;
const PERF_EVENT_SIZE = 184;

/** `struct bpf_perf_event_data`: registers behind one pointer, the sample behind another. */
export const perfEventContext = ({ layout }: ContextEnv): ContextModel => ({
  size: PERF_EVENT_SIZE,
  userType: 'bpf_perf_event_data',
  access: (off, size, write) => {
    if (off < 0 || off >= PERF_EVENT_SIZE || write || off % size !== 0) return undefined;
    if (off >= SAMPLE_PERIOD_AT) return { regType: 'SCALAR_VALUE', ctxFieldSize: 8 };
    return size === 8 ? SCALAR : undefined;
  },
  convert: (i: Insn, target) => {
    const sample = i.off === SAMPLE_PERIOD_AT ? 'period' : i.off === ADDR_AT ? 'addr' : undefined;
    if (sample === undefined)
      return [
        ldx(8, i.dst, i.src, layout.field('bpf_perf_event_data_kern', 'regs').offset),
        ldx(8, i.dst, i.dst, i.off),
      ];
    target.size = 8;
    return [
      ldx(8, i.dst, i.src, layout.field('bpf_perf_event_data_kern', 'data').offset),
      ldx(8, i.dst, i.dst, layout.field('perf_sample_data', sample).offset),
    ];
  },
});

/** BPF_PROG_TYPE_SYSCALL: the caller's memory, read and written, bounds checked when it is run. */
export const syscallContext = (): ContextModel => ({
  size: U16_MAX,
  access: (off, size) => (off >= 0 && off <= U16_MAX && off % size === 0 ? SCALAR : undefined),
});

/** `struct bpf_nf_ctx`: two trusted pointers. */
export const netfilterContext = (): ContextModel => ({
  size: 16,
  userType: 'bpf_nf_ctx',
  access: (off, size, write) => {
    if (write || size !== 8) return undefined;
    const btfType = off === 0 ? 'nf_hook_state' : off === 8 ? 'sk_buff' : undefined;
    return btfType === undefined ? undefined : { regType: 'PTR_TO_BTF_ID', regFlags: ['PTR_TRUSTED'], btfType };
  },
});
