/** brk(2), mmap(2), munmap(2), mprotect(2). */
import { OutOfMemory, PAGE_SIZE } from '../../../src/machine/index.ts';
import { MAP, PROT } from '../../../src/uapi/process.ts';
import { KernelError } from '../../core/errno.ts';
import type { FdObject } from '../../core/fds.ts';
import type { Vma } from '../address-space.ts';
import { MMAP_BASE } from '../load.ts';
import { RootFile } from '../user-files.ts';
import type { CallHandler, ProgramCall } from './call.ts';

/** mmap_min_addr, TASK_SIZE */
const LOWEST = 0x1_0000;
const HIGHEST = 0x7fff_ffff_f000;

const up = (bytes: number): number => Math.ceil(bytes / PAGE_SIZE) * PAGE_SIZE;
const fail = (errno: KernelError['errno'], why: string): never => {
  throw new KernelError(errno, why);
};

/** Pages of the machine are there at once, not when they are touched: what it has not is ENOMEM. */
function mapped({ program }: ProgramCall, vma: Vma, content?: Uint8Array): void {
  try {
    program.maps.map(vma, content);
  } catch (error) {
    if (error instanceof OutOfMemory) fail('ENOMEM', error.message);
    throw error;
  }
}

/** Pages of the kernel's own: a map, a ring. */
function mapObject(call: ProgramCall, object: FdObject, area: Omit<Vma, 'name'>): number {
  const { start, end, prot, shared, offset } = area;
  const { fdName: name } = object;
  if (object.mmap === undefined) return fail('ENODEV', `${name} cannot be mapped`);
  if (!shared) return fail('EINVAL', `${name} is mapped shared`);
  const mapping = object.mmap(offset, end - start, prot);
  if (typeof mapping === 'number') return mapping;
  call.program.maps.map({ start, end, prot, shared, offset, name, mapping });
  return start;
}

const mmap: CallHandler = (call) => {
  const { program } = call;
  const bytes = up(call.long(1));
  const [prot, flags, offset] = [call.int(2) & 7, call.int(3), call.long(5)];
  if (bytes <= 0 || offset % PAGE_SIZE !== 0 || !(flags & (MAP.SHARED | MAP.PRIVATE))) fail('EINVAL', 'mmap');
  const isFixed = (flags & (MAP.FIXED | MAP.FIXED_NOREPLACE)) !== 0;
  const wanted = call.long(0);
  if (isFixed && (wanted % PAGE_SIZE !== 0 || wanted < LOWEST || wanted + bytes > HIGHEST)) fail('EINVAL', 'address');
  const start = isFixed ? wanted : program.maps.gap(bytes, MMAP_BASE);
  if (start < LOWEST) fail('ENOMEM', `no ${bytes} bytes of address space`);
  if (flags & MAP.FIXED_NOREPLACE && program.maps.areas.some((o) => o.start < start + bytes && o.end > start))
    fail('EEXIST', 'something is there');
  const shared = (flags & MAP.SHARED) !== 0;
  if (flags & MAP.ANONYMOUS) {
    mapped(call, { start, end: start + bytes, prot, shared, name: shared ? '/dev/zero' : '', offset: 0 });
    return start;
  }
  const file = program.files.get(call.int(4));
  if (!(file instanceof RootFile)) return mapObject(call, file, { start, end: start + bytes, prot, shared, offset });
  const { node, fdName: path } = file;
  if (node.kind !== 'file') return fail('ENODEV', `${path} cannot be mapped`);
  mapped(
    call,
    { start, end: start + bytes, prot, shared, name: path, offset },
    node.bytes.subarray(offset, offset + bytes),
  );
  return start;
};

const brk: CallHandler = (call) => {
  const { program } = call;
  const wanted = call.long(0);
  if (wanted < program.brkStart || wanted > MMAP_BASE) return program.brk;
  const [from, to] = [up(program.brk), up(wanted)];
  if (to > from) {
    if (program.maps.areas.some((o) => o.start < to && o.end > from)) return program.brk;
    mapped(call, { start: from, end: to, prot: PROT.READ | PROT.WRITE, shared: false, name: '[heap]', offset: 0 });
  } else if (to < from) program.maps.unmap(to, from);
  program.brk = wanted;
  return wanted;
};

export const MEMORY_CALLS: Readonly<Record<string, CallHandler>> = {
  mmap,
  brk,
  munmap: (c) => {
    const [start, bytes] = [c.long(0), up(c.long(1))];
    if (start % PAGE_SIZE !== 0 || bytes <= 0) fail('EINVAL', 'munmap');
    c.program.maps.unmap(start, start + bytes);
    return 0;
  },
  mprotect: (c) => {
    const [start, bytes] = [c.long(0), up(c.long(1))];
    if (start % PAGE_SIZE !== 0 || bytes < 0) fail('EINVAL', 'mprotect');
    if (bytes > 0 && !c.program.maps.protect(start, start + bytes, c.int(2) & 7)) fail('ENOMEM', 'a hole in the range');
    return 0;
  },
  madvise: () => 0,
};
