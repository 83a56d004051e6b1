/** Socket options on their way to programs of cgroups: `struct bpf_sockopt_kern` and a copy of the value (kernel/bpf/cgroup.c; bpf docs prog_cgroup_sockopt.rst). */
import type { Addr } from '../../src/machine/addr.ts';
import { GuestFault } from '../../src/machine/index.ts';
import { ERRNO } from '../core/errno.ts';
import { GuestStruct } from '../core/guest-struct.ts';
import type { ObjectFloor } from '../floors/objects.ts';
import type { TraceArg } from '../task/user-call.ts';
import type { On } from './run.ts';

const PAGE = 4096;
/** a program may say more than the task gave room for: sizeof(struct sockopt_buf.data) at least */
const LEAST = 16;
/** the kernel's own handling is passed over */
const BYPASS = -1;
/** `[7]`, as strace shows what the kernel filled */
const FILLED = /^\[(-?\d+)\]$/;

const filled = (arg: TraceArg | undefined): number | undefined => {
  const text = arg?.kind === 'opaque' ? FILLED.exec(arg.text)?.[1] : undefined;
  return text === undefined ? undefined : Number(text);
};
const int = (arg: TraceArg | undefined): number => (arg?.kind === 'int' ? arg.lo : 0);

export function registerSockopt(kernel: ObjectFloor, on: On): void {
  const { args, memory, slab, tasks, recorded } = kernel;
  const call = (): readonly TraceArg[] => tasks.current.call?.args ?? [];
  const bytes = (at: Addr, length: number): Uint8Array => {
    try {
      return at === 0 ? new Uint8Array(length) : memory.readBytes(at, length);
    } catch (error) {
      if (error instanceof GuestFault) return new Uint8Array(length);
      throw error;
    }
  };
  const store = (at: Addr, value: Uint8Array): boolean => {
    try {
      memory.writeBytes(at, value);
      return true;
    } catch (error) {
      if (error instanceof GuestFault) return false;
      throw error;
    }
  };
  const make = (sk: Addr, level: number, name: number, value: Uint8Array, length: number): Addr => {
    const room = Math.min(Math.max(length, LEAST), PAGE);
    const buffer = slab.kmalloc(room);
    memory.writeBytes(buffer, new Uint8Array(room));
    memory.writeBytes(buffer, value.subarray(0, room));
    const layout = kernel.structs.of('bpf_sockopt_kern');
    const at = slab.kmalloc(layout.size);
    memory.writeBytes(at, new Uint8Array(layout.size));
    new GuestStruct(kernel, 'bpf_sockopt_kern', at)
      .set('sk', sk)
      .set('optval', buffer)
      .set('optval_end', buffer + Math.min(room, Math.max(length, LEAST)))
      .set('level', level)
      .set('optname', name)
      .set('optlen', length)
      .set('current_task', tasks.current.address);
    return at;
  };
  const free = (ctx: GuestStruct): void => {
    slab.kfree(ctx.get('optval'));
    slab.kfree(ctx.at);
  };

  // the last argument of do_sock_setsockopt lies on the stack there
  on('setsockopt_len', () => memory.writeU32(args.addr(0), int(call()[4])));
  // (sk, int *level, int *optname, optval, int *optlen)
  on('setsockopt_context', () => {
    const [sk, level, name] = [args.addr(0), memory.readU32(args.addr(1)), memory.readU32(args.addr(2))];
    const length = Math.max(0, memory.readS32(args.addr(4)));
    args.retAddr(make(sk, level, name, bytes(args.addr(3), Math.min(length, PAGE)), length));
  });
  // (ctx, verdict, int *level, int *optname, optval, int *optlen): < 0 an error, 1 the kernel does nothing, 0 it goes on
  on('setsockopt_done', () => {
    const ctx = new GuestStruct(kernel, 'bpf_sockopt_kern', args.addr(0));
    const length = ctx.get('optlen') | 0;
    const room = Math.max(memory.readS32(args.addr(5)), LEAST);
    let result = args.lo(1);
    if (result === 0 && length === BYPASS) result = 1;
    else if (result === 0 && (length > room || length < BYPASS)) result = -ERRNO.EFAULT;
    else if (result === 0) {
      memory.writeU32(args.addr(2), ctx.get('level'));
      memory.writeU32(args.addr(3), ctx.get('optname'));
      if (length !== 0) memory.writeU32(args.addr(5), length);
    }
    free(ctx);
    args.retInt(result);
  });
  // (sk, level, optname, optval): the kernel has answered, as recorded; the program may say something else
  on('getsockopt_context', () => {
    const given = call();
    const length = filled(given[4]) ?? 4;
    const value = filled(given[3]);
    const data =
      value === undefined ? bytes(args.addr(3), Math.min(length, PAGE)) : new Uint8Array(Int32Array.of(value).buffer);
    args.retAddr(make(args.addr(0), args.lo(1), args.lo(2), data, length));
  });
  on('recorded_result', () => args.retInt(recorded.lo));
  // (ctx, verdict, optval, optlen): what the task gets
  on('getsockopt_done', () => {
    const ctx = new GuestStruct(kernel, 'bpf_sockopt_kern', args.addr(0));
    const length = ctx.get('optlen') | 0;
    let result = args.lo(1);
    const room = Math.max(filled(call()[4]) ?? 4, LEAST);
    if (result >= 0 && (length > room || length < 0)) result = -ERRNO.EFAULT;
    else if (result >= 0 && length !== 0 && args.addr(2) !== 0) {
      const fine = store(args.addr(2), memory.readBytes(ctx.get('optval'), length));
      if (args.addr(3) !== 0) store(args.addr(3), new Uint8Array(Int32Array.of(length).buffer));
      if (!fine) result = -ERRNO.EFAULT;
    }
    free(ctx);
    args.retInt(result);
  });
  // whether the verdict is another result than the call had
  on('getsockopt_departs', () => args.retU32(args.lo(0) !== recorded.lo ? 1 : 0));
  on('depart', () => kernel.departures.depart(args.lo(0), 'cgroup_getsockopt'));
}
