/**
 * A descriptor of the host for one of the model's, at the same number, so that it can be polled, mapped, duplicated,
 * inherited and closed as any other: an eventfd for what is waited for, a memfd for the rest.
 */
import type { FdObject } from '../../../kernel-sim/core/fds.ts';
import { O } from '../../uapi/fcntl.ts';
import { SYS } from '../numbers.ts';
import type { Script } from '../wire.ts';
import { type Call, cString } from './call.ts';

const EFD_NONBLOCK = O.NONBLOCK;
const MFD_CLOEXEC = 1;

/** The result of the call: the number. */
export async function place(call: Call, fd: number, object: FdObject, cloexec = true): Promise<Script | number> {
  const { door, process, tid } = call;
  const waits = object.poll !== undefined;
  const make = waits
    ? { nr: SYS.eventfd2, args: [0, EFD_NONBLOCK | O.CLOEXEC] }
    : { nr: SYS.memfd_create, args: [{ data: 0 }, MFD_CLOEXEC] };
  const results = await door.supervisor.script(tid, {
    steps: [
      make,
      { nr: SYS.dup3, args: [{ step: 0 }, fd, cloexec ? O.CLOEXEC : 0] },
      { nr: SYS.close, args: [{ step: 0 }] },
    ],
    result: 1,
    hold: true,
    data: cString(object.fdName),
  });
  if (results.length < 3) {
    process.fds.close(fd);
    return Number(results.at(-1) ?? -5n);
  }
  process.placed.add(fd);
  if (waits) await door.watch(process, fd, object);
  return fd;
}
