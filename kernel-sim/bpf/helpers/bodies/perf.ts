/**
 * Records for user space: bpf-helpers(7), bpf_perf_event_output. A perf event array's slot holds an event; what is
 * written lies in the event's ring as PERF_RECORD_SAMPLE with raw data (perf_event_open(2)).
 */
import { ERRNO } from '../../../core/errno.ts';
import { GuestStruct } from '../../../core/guest-struct.ts';
import { PerfEventArrayMap } from '../../maps/index.ts';
import type { HelperBodies, HelperBody, HelperCall } from './call.ts';

/** BPF_F_CURRENT_CPU and BPF_F_INDEX_MASK */
const CURRENT_CPU = 0xffff_ffff;

/** sizeof(struct bpf_perf_event_value): counter, enabled, running */
const VALUE_SIZE = 24;

/** An event that takes records. */
interface SampleSink {
  /** 0, or an error number where it is lost */
  output(data: Uint8Array, cpu: number): number;
  /** CPU that it is active on, -1 while it is off */
  readonly oncpu: number;
}
const isSink = (slot: unknown): slot is SampleSink => typeof slot === 'object' && slot !== null && 'output' in slot;

function output(call: HelperCall, data: Uint8Array, flagsHi: number): number {
  const { args, kernel } = call;
  const map = call.map(1);
  if (flagsHi !== 0) return -ERRNO.EINVAL;
  if (!(map instanceof PerfEventArrayMap)) return -ERRNO.EINVAL;
  const index = args.u32(2) === CURRENT_CPU ? kernel.context.cpu : args.u32(2);
  if (index >= map.maxEntries) return -ERRNO.E2BIG;
  const event = map.slots[index];
  if (event === undefined) return -ERRNO.ENOENT;
  if (!isSink(event)) return -ERRNO.EINVAL;
  if (event.oncpu !== kernel.context.cpu) return -ERRNO.EOPNOTSUPP;
  return event.output(data, kernel.context.cpu);
}

const plain: HelperBody = (call) => {
  const { args, kernel } = call;
  const size = args.u32(4);
  args.retInt(output(call, size > 0 ? kernel.memory.readBytes(args.addr(3), size) : new Uint8Array(0), args.hi(2)));
};

/** The upper half of the flags asks for so many bytes of the packet behind the data (BPF_F_CTXLEN_MASK). */
const withPacket =
  (struct: 'sk_buff' | 'xdp_buff'): HelperBody =>
  (call) => {
    const { args, kernel } = call;
    const size = args.u32(4);
    const wanted = args.hi(2) & 0xfffff;
    const buffer = new GuestStruct(call.kernel, struct, args.addr(0));
    const length = struct === 'sk_buff' ? buffer.get('len') : buffer.get('data_end') - buffer.get('data');
    if (wanted > length) {
      args.retInt(-ERRNO.EFAULT);
      return;
    }
    const data = new Uint8Array(size + wanted);
    if (size > 0) data.set(kernel.memory.readBytes(args.addr(3), size));
    if (wanted > 0) data.set(kernel.memory.readBytes(buffer.get('data'), wanted), size);
    args.retInt(output(call, data, args.hi(2) & ~0xfffff));
  };

export const PERF: HelperBodies = {
  bpf_perf_event_output: plain,
  bpf_perf_event_output_tp: plain,
  bpf_perf_event_output_raw_tp: plain,
  bpf_event_output_data: plain,
  bpf_skb_event_output: withPacket('sk_buff'),
  bpf_xdp_event_output: withPacket('xdp_buff'),
  bpf_perf_event_read: ({ args }) => args.retInt(-ERRNO.ENOENT),
  /** Count and times of the event whose sample runs the program: `struct bpf_perf_event_value`. */
  bpf_perf_prog_read_value: ({ args, kernel }) => {
    const { memory } = kernel;
    const [to, size] = [args.addr(1), args.u32(2)];
    if (size > 0) memory.fillBytes(to, 0, size);
    const { running } = kernel.probes.samplers;
    if (size !== VALUE_SIZE || running === undefined) return args.retInt(-ERRNO.EINVAL);
    memory.writeAddr(to, running.count);
    memory.writeAddr(to + 8, running.enabledNs);
    memory.writeAddr(to + 16, running.enabledNs);
    args.retInt(0);
  },
  bpf_perf_event_read_value: ({ args, kernel }) => {
    kernel.memory.fillBytes(args.addr(2), 0, args.u32(3));
    args.retInt(args.u32(3) === 24 ? -ERRNO.ENOENT : -ERRNO.EINVAL);
  },
};
