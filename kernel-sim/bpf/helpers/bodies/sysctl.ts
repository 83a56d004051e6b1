/** The sysctl that a task reads or writes, as programs of its cgroup see it: bpf-helpers(7), bpf_sysctl_get_name and its kin. */
import type { Addr } from '../../../../src/machine/addr.ts';
import { decodeLatin1, encodeUtf8 } from '../../../../src/platform/index.ts';
import { ERRNO } from '../../../core/errno.ts';
import { GuestStruct } from '../../../core/guest-struct.ts';
import type { HelperBodies, HelperBody, HelperCall } from './call.ts';

/** BPF_F_SYSCTL_BASE_NAME: the last part of its name only */
const BASE_NAME = 1;
const PAGE = 4096;
const contextOf = (call: HelperCall): GuestStruct => new GuestStruct(call.kernel, 'bpf_sysctl_kern', call.args.addr(0));

/** `copy_sysctl_value`: cut off where there is no room, with a zero behind it all the same. */
function copy(call: HelperCall, to: Addr, size: number, value: Uint8Array): number {
  if (size === 0) return -ERRNO.EINVAL;
  const fits = value.length < size;
  const out = new Uint8Array(fits ? size : size);
  out.set(value.subarray(0, size - 1));
  call.kernel.memory.writeBytes(to, out);
  return fits ? value.length : -ERRNO.E2BIG;
}
/** The names of the directories above, from the table's header. */
function path(call: HelperCall, ctx: GuestStruct): string {
  const { memory } = call.kernel;
  const text = (at: Addr): string => decodeLatin1(memory.readCString(at, PAGE));
  const parts = [text(new GuestStruct(call.kernel, 'ctl_table', ctx.get('table')).get('procname'))];
  let directory = new GuestStruct(call.kernel, 'ctl_table_header', ctx.get('head')).get('parent');
  while (directory !== 0) {
    const header = new GuestStruct(call.kernel, 'ctl_dir', directory);
    const table = header.get('header.ctl_table');
    if (table === 0 || header.get('header.parent') === 0) break;
    parts.unshift(text(new GuestStruct(call.kernel, 'ctl_table', table).get('procname')));
    directory = header.get('header.parent');
  }
  return parts.join('/');
}
const getName: HelperBody = (call) => {
  const { args } = call;
  if (args.hi(3) !== 0 || args.u32(3) & ~BASE_NAME) return args.retInt(-ERRNO.EINVAL);
  const whole = path(call, contextOf(call));
  const name = args.u32(3) & BASE_NAME ? whole.slice(whole.lastIndexOf('/') + 1) : whole;
  args.retInt(copy(call, args.addr(1), args.u32(2), encodeUtf8(name)));
};
const getCurrent: HelperBody = (call) => {
  const { args, kernel } = call;
  const ctx = contextOf(call);
  const at = ctx.get('cur_val');
  if (at === 0) return args.retInt(-ERRNO.EINVAL);
  const value = kernel.memory.readBytes(at, ctx.get('cur_len'));
  const end = value.indexOf(0);
  args.retInt(copy(call, args.addr(1), args.u32(2), end < 0 ? value : value.subarray(0, end)));
};
const getNew: HelperBody = (call) => {
  const { args, kernel } = call;
  const ctx = contextOf(call);
  if (ctx.get('write') === 0 || ctx.get('new_val') === 0) {
    if (args.u32(2) > 0) kernel.memory.fillBytes(args.addr(1), 0, args.u32(2));
    return args.retInt(-ERRNO.EINVAL);
  }
  const value = kernel.memory.readBytes(ctx.get('new_val'), ctx.get('new_len'));
  args.retInt(copy(call, args.addr(1), args.u32(2), value));
};
/** At most a page with its end. */
const setNew: HelperBody = (call) => {
  const { args, kernel } = call;
  const ctx = contextOf(call);
  const size = args.u32(2);
  if (ctx.get('write') === 0 || ctx.get('new_val') === 0 || ctx.get('new_len') === 0 || size === 0)
    return args.retInt(-ERRNO.EINVAL);
  if (size > PAGE - 1) return args.retInt(-ERRNO.E2BIG);
  kernel.memory.writeBytes(ctx.get('new_val'), kernel.memory.readBytes(args.addr(1), size));
  ctx.set('new_len', size).set('new_updated', 1);
  args.retInt(0);
};

export const SYSCTL: HelperBodies = {
  bpf_sysctl_get_name: getName,
  bpf_sysctl_get_current_value: getCurrent,
  bpf_sysctl_get_new_value: getNew,
  bpf_sysctl_set_new_value: setNew,
};
