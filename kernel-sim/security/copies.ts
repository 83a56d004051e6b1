/** What calls copy from user memory before a hook of the LSM sees it (mm/util.c: strndup_user, memdup_user), and areas of memory that they name. */

import { GuestFault } from '../../src/machine/index.ts';
import type { ObjectFloor } from '../floors/objects.ts';
import type { On } from '../text/hypercalls.ts';

const PAGE = 4096;
/** XATTR_SIZE_MAX of include/uapi/linux/limits.h */
const LARGEST = 65_536;

export function registerCopies(kernel: ObjectFloor, on: On): void {
  const { args, memory, slab, tasks, programs } = kernel;
  const copied = (bytes: () => Uint8Array): void => {
    try {
      const value = bytes();
      const at = slab.kmalloc(Math.max(value.length, 1));
      memory.writeBytes(at, value);
      args.retAddr(at);
    } catch (error) {
      if (!(error instanceof GuestFault)) throw error;
      args.retAddr(0);
    }
  };
  // (user string), its NUL included; NULL stays NULL
  on('strndup_user', () => {
    const user = args.addr(0);
    if (user === 0) args.retAddr(0);
    else
      copied(() => {
        const text = memory.readCString(user, PAGE);
        const bytes = new Uint8Array(text.length + 1);
        bytes.set(text);
        return bytes;
      });
  });
  // (user memory, bytes)
  on('memdup_user', () => {
    const [user, length] = [args.addr(0), Math.min(args.u32(1), LARGEST)];
    if (user === 0) args.retAddr(0);
    else copied(() => memory.readBytes(user, length));
  });
  on('kfree', () => {
    if (slab.owns(args.addr(0))) slab.kfree(args.addr(0));
  });
  on('find_vma', () => {
    const { current } = tasks;
    const area = current.maps?.find(args.addr(0));
    args.retAddr(area === undefined ? 0 : programs.areaObject(current, area));
  });
}
