/**
 * Data on their way out of a socket: bpf-helpers(7), bpf_msg_push_data and its kin. A message of the model lies in one piece,
 * between `data` and `data_end` of `struct sk_msg`.
 */
import type { Addr } from '../../../../src/machine/addr.ts';
import { ERRNO } from '../../../core/errno.ts';
import { GuestStruct } from '../../../core/guest-struct.ts';
import type { HelperBodies, HelperBody, HelperCall } from './call.ts';

const msgOf = (call: HelperCall): GuestStruct => new GuestStruct(call.kernel, 'sk_msg', call.args.addr(0));
const hasFlags = ({ args }: HelperCall): boolean => (args.lo(3) | args.hi(3)) !== 0;
const sizeOf = (msg: GuestStruct): number => msg.get('data_end') - msg.get('data');

/** The bytes become these, in a buffer of their own. */
function replace(call: HelperCall, msg: GuestStruct, bytes: Uint8Array): void {
  const { slab, memory } = call.kernel;
  const at: Addr = slab.kmalloc(Math.max(8, bytes.length));
  memory.writeBytes(at, bytes);
  msg
    .set('data', at)
    .set('data_end', at + bytes.length)
    .set('sg.size', bytes.length);
}

/** The bytes are there for direct access. */
const pull: HelperBody = (call) => {
  const { args } = call;
  const msg = msgOf(call);
  const [start, end] = [args.u32(1), args.u32(2)];
  if (hasFlags(call) || end <= start || start >= sizeOf(msg) || end > sizeOf(msg)) return args.retInt(-ERRNO.EINVAL);
  args.retInt(0);
};
/** Other bytes in place of the message's: what `edit` makes of them, a start and a length; undefined where these do not fit. */
const edited =
  (edit: (before: Uint8Array, start: number, length: number) => Uint8Array | undefined): HelperBody =>
  (call) => {
    const { args, kernel } = call;
    const msg = msgOf(call);
    const [start, length] = [args.u32(1), args.u32(2)];
    if (hasFlags(call)) return args.retInt(-ERRNO.EINVAL);
    if (length === 0) return args.retInt(0);
    const after = edit(kernel.memory.readBytes(msg.get('data'), sizeOf(msg)), start, length);
    if (after === undefined) return args.retInt(-ERRNO.EINVAL);
    replace(call, msg, after);
    args.retInt(0);
  };
const push = edited((before, start, length) => {
  if (start > before.length) return undefined;
  const out = new Uint8Array(before.length + length);
  out.set(before.subarray(0, start));
  out.set(before.subarray(start), start + length);
  return out;
});
const pop = edited((before, start, length) => {
  if (start >= before.length || start + length > before.length) return undefined;
  const out = new Uint8Array(before.length - length);
  out.set(before.subarray(0, start));
  out.set(before.subarray(start + length), start);
  return out;
});
const bytes =
  (field: 'apply_bytes' | 'cork_bytes'): HelperBody =>
  (call) => {
    msgOf(call).set(field, call.args.u32(1));
    call.args.retInt(0);
  };

export const SK_MSG: HelperBodies = {
  bpf_msg_apply_bytes: bytes('apply_bytes'),
  bpf_msg_cork_bytes: bytes('cork_bytes'),
  bpf_msg_pull_data: pull,
  bpf_msg_push_data: push,
  bpf_msg_pop_data: pop,
};
