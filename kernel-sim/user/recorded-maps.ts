/** The mappings of a process that is only recorded: what its mmap, munmap, mprotect, brk and execve calls say. */

import { Executable, PF_R, PF_W, PF_X } from '../../src/elf/index.ts';
import type { Addr } from '../../src/machine/addr.ts';
import { addrOf, PAGE_SIZE } from '../../src/machine/index.ts';
import { MAP, PROT } from '../../src/uapi/process.ts';
import type { Task } from '../task/task.ts';
import type { AddressSpace } from './address-space.ts';
import type { UserFloor } from './calls/call.ts';

const DYN_BASE: Addr = 0x5555_5555_4000;
const STACK: readonly [Addr, Addr] = [0x7fff_fffd_e000, 0x7fff_ffff_f000];

const down = (at: number): number => at - (at % PAGE_SIZE);
const up = (at: number): number => down(at + PAGE_SIZE - 1);

export class RecordedMaps {
  readonly #kernel: UserFloor;
  constructor(kernel: UserFloor) {
    this.#kernel = kernel;
  }

  /** A call that changes mappings has succeeded. */
  follow(task: Task): void {
    const { call, maps } = task;
    // a program's own calls have done it already
    if (call === undefined || maps === undefined || maps.space !== undefined) return;
    const arg = (n: number): number => {
      const a = call.args[n];
      return a?.kind === 'int' ? addrOf(a.lo, a.hi) : 0;
    };
    const result = call.result === undefined ? 0 : addrOf(call.result.lo, call.result.hi);
    const bytes = up(arg(1));
    if (call.name === 'brk') this.#brk(maps, result);
    else if (bytes <= 0) return;
    else if (call.name === 'munmap') maps.unmap(down(arg(0)), down(arg(0)) + bytes);
    else if (call.name === 'mprotect') maps.protect(down(arg(0)), down(arg(0)) + bytes, arg(2) & 7);
    else if (call.name === 'mmap') this.#mmap(task, maps, result, bytes, arg);
  }
  #mmap(task: Task, maps: AddressSpace, start: Addr, bytes: number, arg: (n: number) => number): void {
    if (start <= 0 || start % PAGE_SIZE !== 0) return;
    const { files } = this.#kernel;
    const isAnonymous = (arg(3) & MAP.ANONYMOUS) !== 0;
    const file = isAnonymous ? 0 : files.get(task, arg(4) | 0);
    const area = { start, end: start + bytes, prot: arg(2) & 7, shared: (arg(3) & MAP.SHARED) !== 0 };
    maps.map({ ...area, name: file === 0 ? '' : files.pathOf(file), offset: isAnonymous ? 0 : arg(5) });
  }
  #brk(maps: AddressSpace, end: Addr): void {
    const heap = maps.areas.find(({ name }) => name === '[heap]');
    const start = heap?.start ?? up(end);
    if (heap !== undefined) maps.unmap(start, heap.end);
    // without pages an area may be empty until it grows
    if (up(end) > start || heap === undefined)
      maps.map({
        start,
        end: Math.max(up(end), start + PAGE_SIZE),
        prot: PROT.READ | PROT.WRITE,
        shared: false,
        name: '[heap]',
        offset: 0,
      });
  }

  /** execve: the executable's segments, where its file is known, and a stack. */
  exec(task: Task, path: string): void {
    const { maps } = task;
    if (maps === undefined || maps.space !== undefined) return;
    maps.clear();
    const bytes = path.startsWith('/') ? this.#kernel.root.read(path) : undefined;
    if (bytes !== undefined) this.#segments(maps, bytes, path);
    const [start, end] = STACK;
    maps.map({ start, end, prot: PROT.READ | PROT.WRITE, shared: false, name: '[stack]', offset: 0 });
  }
  #segments(maps: AddressSpace, bytes: Uint8Array, path: string): void {
    let file: Executable;
    try {
      file = Executable.parse(bytes, path);
    } catch {
      // a script: what it is run by is another execve's
      return;
    }
    const base = file.type === 'exec' ? 0 : DYN_BASE;
    for (const s of file.loads) {
      const prot =
        (s.flags & PF_R ? PROT.READ : 0) | (s.flags & PF_W ? PROT.WRITE : 0) | (s.flags & PF_X ? PROT.EXEC : 0);
      const start = base + down(s.vaddr);
      const end = up(base + s.vaddr + s.memsz);
      maps.map({ start, end, prot, shared: false, name: path, offset: down(s.offset) });
    }
  }
}
