/**
 * `struct filename`: a path copied from user memory, its text behind the structure (Linux 6.12 Documentation/filesystems/path-lookup.rst).
 * `putname` in kernel text gives objects back to the free list.
 */

import type { Addr } from '../../src/machine/addr.ts';
import type { GuestMemory } from '../../src/machine/index.ts';
import { decodeUtf8, encodeUtf8 } from '../../src/platform/index.ts';
import { O, PATH_MAX } from '../../src/uapi/fcntl.ts';
import type { DirectMap } from '../core/direct-map.ts';
import { ERRNO } from '../core/errno.ts';
import { PAGE_SIZE } from '../core/layout.ts';
import { MODEL_PERCPU } from '../core/model-percpu.ts';
import { NAME_NEXT, NAME_WALK } from '../core/object-words.ts';
import type { ObjectFloor } from '../floors/objects.ts';
import { FreeList } from '../mm/free-list.ts';
import { components } from '../task/dcache.ts';
import { parentPath } from '../task/known-names.ts';
import { hashByte, type KnownPaths, PATH_HASH } from '../task/known-paths.ts';
import { BASES } from './bases.ts';

/** which argument of open(2) and its kin has the flags */
const OPEN_FLAGS: Readonly<Record<string, number>> = { open: 1, openat: 2 };
/** ENXIO, ENODEV, ETXTBSY: the name was found, and opening the file failed */
const LATE_ERRORS: readonly number[] = [-ERRNO.ENXIO, -ERRNO.ENODEV, -ERRNO.ETXTBSY];
/** calls that may make a name that they are given */
const MAKES: ReadonlySet<string> = new Set(
  'creat openat2 mkdir mkdirat mknod mknodat symlink symlinkat link linkat rename renameat renameat2 bind'.split(' '),
);
const SLASH = 0x2f;
/** MAXSYMLINKS of include/linux/namei.h */
const MAX_LINKS = 40;
/** where a call's arguments are in pt_regs */
const REGISTERS = ['di', 'si', 'dx', 'r10', 'r8', 'r9'] as const;

export class Filenames {
  readonly #kernel: ObjectFloor;
  readonly #memory: GuestMemory;
  readonly #direct: DirectMap;
  readonly #free: FreeList;
  readonly #known: KnownPaths;
  readonly #name: number;
  readonly #uptr: number;
  readonly #refcnt: number;
  readonly #text: number;

  constructor(kernel: ObjectFloor) {
    this.#kernel = kernel;
    this.#memory = kernel.memory;
    this.#direct = kernel.direct;
    this.#free = new FreeList(kernel.direct, kernel.context, kernel.percpu, MODEL_PERCPU.names_free, NAME_NEXT);
    this.#known = kernel.files.dcache.known;
    const layout = kernel.structs.of('filename');
    this.#name = layout.offset('name');
    this.#uptr = layout.offset('uptr');
    this.#refcnt = layout.offset('refcnt');
    this.#text = layout.offset('iname');
  }
  #take(user: Addr): Addr {
    const at = this.#free.pop() || this.#kernel.slab.kmalloc(PATH_MAX);
    this.#direct.putAddr(at + this.#name, at + this.#text);
    this.#direct.putAddr(at + this.#uptr, user);
    this.#direct.put32(at + this.#refcnt, 1);
    return at;
  }
  /** getname_kernel() */
  make(path: string): Addr {
    const at = this.#take(0);
    const to = this.#direct.phys(at + this.#text);
    const bytes = encodeUtf8(path);
    this.#direct.u8.set(bytes, to);
    this.#direct.u8[to + bytes.length] = 0;
    this.#walk(at, to, bytes.length, bytes.reduce(hashByte, PATH_HASH));
    return at;
  }
  /** getname(): what cannot be read is an empty name, as the recording's result then says. */
  alloc(user: Addr): Addr {
    const at = this.#take(user);
    const direct = this.#direct;
    const { u8 } = direct;
    const to = direct.phys(at + this.#text);
    const room = NAME_WALK.dentry - this.#text - 1;
    let from = this.#memory.translate(user, 0, false);
    let n = 0;
    let hash = PATH_HASH;
    while (from >= 0 && n < room) {
      const byte = u8[from] as number;
      if (byte === 0) break;
      u8[to + n++] = byte;
      hash = hashByte(hash, byte);
      from++;
      // another page may lie elsewhere
      if ((from & (PAGE_SIZE - 1)) === 0) from = this.#memory.translate(user + n, 0, false);
    }
    u8[to + n] = 0;
    this.#walk(at, to, n, hash);
    return at;
  }
  /** Looks the whole path up, once for all that a call does with it: the name and kernel text have what it leads to. */
  #walk(at: Addr, text: number, length: number, hash: number): void {
    const direct = this.#direct;
    const { dcache } = this.#kernel.files;
    const isAbsolute = direct.u8[text] === SLASH && this.#hasRoot();
    let dentry = isAbsolute ? this.#known.find(text, length, hash) : 0;
    let target: Addr = 0;
    let targetDepth = 0;
    if (dentry === 0) {
      const path = this.#absolute(direct.addr(at + this.#uptr), decodeUtf8(direct.u8.subarray(text, text + length)));
      const real = dcache.names.hasLinks ? this.#followParents(path) : path;
      dentry = dcache.find(real);
      const link = dcache.names.hasLinks ? this.#follow(real, real) : undefined;
      if (link !== undefined) {
        target = dcache.find(link.path);
        targetDepth = link.depth;
      } else if (isAbsolute && real === path) this.#known.add(text, length, hash, dentry);
    }
    if (this.#finds()) for (const found of [dentry, target]) dcache.found(found);
    direct.putAddr(at + NAME_WALK.dentry, dentry);
    direct.put32(at + NAME_WALK.depth, names(direct.u8, text, length));
    direct.putAddr(at + NAME_WALK.target, target);
    direct.put32(at + NAME_WALK.targetDepth, targetDepth);
    this.#found(dentry);
  }
  /** Whether the running call, as recorded, succeeds only where the name exists. */
  #finds(): boolean {
    const { recorded, tasks } = this.#kernel;
    const { call } = tasks.current;
    if (call === undefined || MAKES.has(call.name)) return false;
    if (recorded.failed && !LATE_ERRORS.includes(recorded.lo)) return false;
    const flags = call.args[OPEN_FLAGS[call.name] ?? -1];
    return !(flags?.kind === 'int' && flags.lo & O.CREAT);
  }
  /** Whether the task's root is everyone's. */
  #hasRoot(): boolean {
    const { files, tasks } = this.#kernel;
    const root = files.fsDentry(tasks.current, 'root');
    return root === 0 || root === files.fsDentry(tasks.loader, 'root');
  }
  #absolute(user: Addr, text: string): string {
    const { files, tasks } = this.#kernel;
    if (text.startsWith('/')) {
      if (this.#hasRoot()) return text;
      return `${files.dcache.pathOf(files.fsDentry(tasks.current, 'root'))}${text}`;
    }
    const base = this.#base(user);
    return base === 0 ? text : `${files.dcache.pathOf(base)}/${text}`;
  }
  /** The directory that a relative path counts from. */
  #base(user: Addr): Addr {
    const { files, tasks, memory, structs } = this.#kernel;
    const { current } = tasks;
    const { call } = current;
    for (const [directory, path] of BASES[call?.name ?? ''] ?? []) {
      const regs = structs.of('pt_regs');
      const given = memory.readAddr(current.stackTop - regs.size + regs.offset(REGISTERS[path] as string));
      if (given !== user) continue;
      const fd = call?.args[directory];
      const file = fd?.kind === 'int' && fd.lo >= 0 ? files.get(current, fd.lo) : 0;
      if (file !== 0) return memory.readAddr(file + structs.of('file').offset('f_path.dentry'));
    }
    return files.fsDentry(current, 'pwd');
  }
  /** Links in a path before its last name, replaced by what they lead to. */
  #followParents(path: string): string {
    const parts = components(path);
    let at = '';
    for (const [n, part] of parts.entries()) {
      at = `${at}/${part}`;
      if (n < parts.length - 1) at = this.#follow(at, at)?.path ?? at;
    }
    return at === '' ? '/' : at;
  }
  /** What a path that is a link leads to in the end, and how many names the last link has. */
  #follow(from: string, path: string): { path: string; depth: number } | undefined {
    const { names } = this.#kernel.files.dcache;
    let depth = 0;
    let at = path;
    for (let n = 0; n < MAX_LINKS; n++) {
      const text = names.link(at);
      if (text === undefined) break;
      depth = components(text).length;
      at = `/${components(text.startsWith('/') ? text : `${parentPath(at)}/${text}`).join('/')}`;
    }
    return at === from ? undefined : { path: at, depth };
  }
  /** Tells kernel text of the dentry that the path has, 0 where it must ask. */
  #found(dentry: Addr): void {
    const own = this.#kernel.percpu.offset(this.#kernel.context.cpu);
    this.#direct.putAddr(own + MODEL_PERCPU.open_dentry, dentry);
    this.#direct.putAddr(own + MODEL_PERCPU.open_mnt, dentry === 0 ? 0 : this.#kernel.files.dcache.mount);
  }
  /** The dentry of a name. */
  dentry(at: Addr): Addr {
    return at === 0 ? 0 : this.#direct.addr(at + NAME_WALK.dentry);
  }
  /** `struct file` of a name. */
  open(at: Addr): Addr {
    const { files } = this.#kernel;
    if (at === 0) return files.open('');
    const dentry = this.dentry(at);
    files.dcache.hold(dentry);
    return files.openDentry(dentry);
  }
}

/** How many names a path has. */
function names(u8: Uint8Array, from: number, length: number): number {
  let count = 0;
  let inName = false;
  for (let n = from; n < from + length; n++) {
    if (u8[n] === SLASH) inName = false;
    else if (!inName) {
      inName = true;
      count++;
    }
  }
  return count;
}
