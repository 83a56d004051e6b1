/**
 * The dentry cache: dentries and inodes by path, counted as Linux counts them (a file and each child hold a dentry),
 * and given up when there are many (Linux 6.12 Documentation/filesystems/path-lookup.rst, "The symlink and dcache").
 */

import type { Addr } from '../../src/machine/addr.ts';
import { PAGE_SIZE, READ } from '../../src/machine/layout.ts';
import { decodeUtf8, encodeUtf8 } from '../../src/platform/index.ts';
import type { DirectMap } from '../core/direct-map.ts';
import { Listeners } from '../core/listeners.ts';
import { DCACHE_ENTRY_TYPE, DCACHE_REFERENCED, DCACHE_REGULAR_TYPE } from '../core/object-words.ts';
import { capture, reinstate } from '../core/state.ts';
import { deviceNode } from '../data/device-nodes.ts';
import type { Ground } from '../floors/ground.ts';
import { hashByte, KnownPaths, PATH_HASH } from './known-paths.ts';

/** dentries kept; then those that nobody holds go, the ones not asked for since the last time first */
const MAX_DENTRIES = 16384;
const NAME_MAX = 255;
const PATH_MAX = 4096;
const S_IFREG = 0x8000 | 0o644;
const S_IFDIR = 0x4000 | 0o755;
const S_IFCHR = 0x2000 | 0o666;
const S_IFBLK = 0x6000 | 0o660;
/** MINORBITS of the kernel's dev_t */
const MINOR_BITS = 20;
/** file systems whose files have no pages of the page cache that a read or write goes through */
const NO_PAGES = /^\/(proc|sys|dev)\/|^\/(anon_inode|pipe:|socket:)/;
const EXT4_MAGIC = 0xef53;
/** 8:1 */
const SDA1 = (8 << 20) | 1;

export class Dcache {
  readonly #kernel: Ground;
  readonly #direct: DirectMap;
  /** by path, the oldest first */
  readonly #dentries = new Map<string, Addr>();
  /** and the other way round */
  readonly #paths = new Map<Addr, string>();
  /** paths as they are given, by their bytes */
  readonly known: KnownPaths;
  /** an inode goes */
  readonly freed = new Listeners<[inode: Addr]>();
  #mount: Addr = 0;
  #sb: Addr = 0;
  #ino = 131073;
  readonly #at: Record<'flags' | 'count' | 'parent' | 'inode' | 'name' | 'iname', number>;

  constructor(kernel: Ground) {
    this.#kernel = kernel;
    this.#direct = kernel.direct;
    this.known = new KnownPaths(kernel.memory.u8);
    const layout = kernel.structs.of('dentry');
    this.#at = {
      flags: layout.offset('d_flags'),
      count: layout.offset('d_lockref.count'),
      parent: layout.offset('d_parent'),
      inode: layout.offset('d_inode'),
      name: layout.offset('d_name.name'),
      iname: layout.offset('d_iname'),
    };
  }
  save() {
    const [mount, sb, ino] = [this.#mount, this.#sb, this.#ino];
    return capture({ dentries: this.#dentries, known: this.known, mount, sb, ino });
  }
  restore(state: ReturnType<Dcache['save']>): void {
    const { mount, sb, ino } = reinstate(state);
    this.#mount = mount;
    this.#sb = sb;
    this.#ino = ino;
    this.#paths.clear();
    for (const [path, at] of this.#dentries) this.#paths.set(at, path);
  }

  /** `struct vfsmount` of the one file system; it is there once a dentry is. */
  get mount(): Addr {
    return this.#mount;
  }
  /** `d_path`: from the root down. */
  path(dentry: Addr): string {
    const { memory } = this.#kernel;
    const parts: string[] = [];
    for (let at = dentry; ; ) {
      const parent = memory.readAddr(at + this.#at.parent);
      if (parent === at || parent === 0) return `/${parts.join('/')}`;
      parts.unshift(decodeUtf8(memory.readCString(memory.readAddr(at + this.#at.name), 256)));
      at = parent;
    }
  }
  get size(): number {
    return this.#dentries.size;
  }
  inode(dentry: Addr): Addr {
    return this.#direct.addr(dentry + this.#at.inode);
  }
  /** The path of a dentry. */
  pathOf(dentry: Addr): string {
    const known = this.#paths.get(dentry);
    if (known !== undefined) return known;
    const { memory } = this.#kernel;
    let path = '';
    for (let at = dentry; ; ) {
      const parent = this.#direct.addr(at + this.#at.parent);
      if (parent === at || parent === 0) return path === '' ? '/' : path;
      path = `/${decodeUtf8(memory.readCString(this.#direct.addr(at + this.#at.name), NAME_MAX + 1))}${path}`;
      at = parent;
    }
  }
  /** dget(): the dentry of a path, held. */
  get(path: string): Addr {
    const dentry = this.find(path);
    this.#hold(dentry, 1);
    return dentry;
  }
  /** dput() */
  put(dentry: Addr): void {
    this.#hold(dentry, -1);
  }
  #hold(dentry: Addr, change: 1 | -1): void {
    const direct = this.#direct;
    direct.put32(dentry + this.#at.count, direct.get32(dentry + this.#at.count) + change);
    direct.put32(dentry + this.#at.flags, direct.get32(dentry + this.#at.flags) | DCACHE_REFERENCED);
  }

  /** {@link find} of the path that stands at an address, by its bytes where they are known. @throws GuestFault */
  named(at: Addr): Addr {
    const { memory } = this.#kernel;
    const { u8 } = memory;
    const phys = memory.hostPhysical(at, READ);
    const most = Math.min(PATH_MAX, PAGE_SIZE - (phys & (PAGE_SIZE - 1)));
    let hash = PATH_HASH;
    let length = 0;
    for (; length < most && u8[phys + length] !== 0; length++) hash = hashByte(hash, u8[phys + length] as number);
    const known = length < most ? this.known.find(phys, length, hash) : 0;
    return known === 0 ? this.find(decodeUtf8(memory.readCString(at, PATH_MAX))) : this.#referenced(known);
  }
  #referenced(dentry: Addr): Addr {
    const flags = dentry + this.#at.flags;
    this.#direct.put32(flags, this.#direct.get32(flags) | DCACHE_REFERENCED);
    return dentry;
  }
  /** The dentry of an absolute path (a relative one counts from `/`), its parents' too, made where it is not cached. */
  find(path: string): Addr {
    // as it is mostly written
    const same = this.#dentries.get(path);
    if (same !== undefined) return this.#referenced(same);
    const parts = path.split('/').filter((p) => p !== '' && p !== '.');
    const key = `/${parts.join('/')}`;
    const known = this.#dentries.get(key);
    if (known !== undefined) return this.#referenced(known);
    if (this.#dentries.size >= MAX_DENTRIES) this.#shrink();
    const { slab, structs, memory } = this.#kernel;
    const layout = structs.of('dentry');
    const at = slab.kmalloc(layout.size);
    const isRoot = parts.length === 0;
    const parent = isRoot ? at : this.find(parts.slice(0, -1).join('/'));
    this.#dentries.set(key, at);
    this.#paths.set(at, key);
    const name = encodeUtf8(parts.at(-1) ?? '/').subarray(0, NAME_MAX);
    let text = at + this.#at.iname;
    if (name.length >= layout.field('d_iname').size) text = slab.kmalloc(name.length + 1);
    memory.writeBytes(text, name);
    memory.writeU8(text + name.length, 0);
    memory.writeAddr(at + this.#at.name, text);
    memory.writeU32(at + layout.offset('d_name.len'), name.length);
    memory.writeAddr(at + this.#at.parent, parent);
    // a child holds its parent, and the super block its root
    this.#hold(parent, 1);
    if (isRoot) this.#rootFs(at);
    memory.writeAddr(at + layout.offset('d_sb'), this.#sb);
    const node = deviceNode(key);
    const inode = this.#inode(isRoot ? S_IFDIR : node === undefined ? S_IFREG : node.block ? S_IFBLK : S_IFCHR);
    if (node !== undefined)
      memory.writeU32(inode + structs.of('inode').offset('i_rdev'), (node.major << MINOR_BITS) | node.minor);
    if (node === undefined && !isRoot && !NO_PAGES.test(key)) this.#map(inode);
    memory.writeAddr(at + this.#at.inode, inode);
    if (node !== undefined) this.made(at);
    return at;
  }
  /** Whether a file has the name, as far as the recording has shown. */
  isThere(dentry: Addr): boolean {
    return (this.#direct.get32(dentry + this.#at.flags) & DCACHE_ENTRY_TYPE) !== 0;
  }
  /** d_instantiate(): a file has the name. */
  made(dentry: Addr): void {
    const flags = this.#direct.get32(dentry + this.#at.flags);
    this.#direct.put32(dentry + this.#at.flags, flags | DCACHE_REGULAR_TYPE);
  }
  /** d_delete(): nothing has the name any more, and what takes it next is another file, unless somebody still has this one open. */
  gone(dentry: Addr): void {
    const direct = this.#direct;
    direct.put32(dentry + this.#at.flags, direct.get32(dentry + this.#at.flags) & ~DCACHE_ENTRY_TYPE);
    if (direct.get32(dentry + this.#at.count) > 0) return;
    const { memory, structs } = this.#kernel;
    memory.writeU64(this.inode(dentry) + structs.of('inode').offset('i_ino'), BigInt(this.#ino++));
  }
  /** `inode->i_data`: the pages of a file. */
  #map(inode: Addr): void {
    const { memory, structs } = this.#kernel;
    const layout = structs.of('inode');
    const mapping = inode + layout.offset('i_data');
    memory.writeAddr(inode + layout.offset('i_mapping'), mapping);
    memory.writeAddr(mapping + structs.of('address_space').offset('host'), inode);
  }
  /** prune_dcache_sb(): an eighth of those that nobody holds, each passed over once if it was asked for lately. */
  #shrink(): void {
    const direct = this.#direct;
    let wanted = MAX_DENTRIES >> 3;
    this.known.clear();
    for (const [path, at] of [...this.#dentries]) {
      if (wanted === 0) break;
      if (direct.get32(at + this.#at.count) !== 0) continue;
      const flags = direct.get32(at + this.#at.flags);
      this.#dentries.delete(path);
      if ((flags & DCACHE_REFERENCED) === 0) {
        this.#free(at);
        wanted--;
      } else {
        direct.put32(at + this.#at.flags, flags & ~DCACHE_REFERENCED);
        this.#dentries.set(path, at);
      }
    }
  }
  #free(at: Addr): void {
    const { slab } = this.#kernel;
    const direct = this.#direct;
    this.#paths.delete(at);
    const text = direct.addr(at + this.#at.name);
    if (text !== at + this.#at.iname) slab.kfree(text);
    this.freed.tell(this.inode(at));
    slab.kfree(this.inode(at));
    this.#hold(direct.addr(at + this.#at.parent), -1);
    slab.kfree(at);
  }
  #inode(mode: number): Addr {
    const { slab, structs, memory } = this.#kernel;
    const layout = structs.of('inode');
    const at = slab.kmalloc(layout.size);
    memory.writeU16(at + layout.offset('i_mode'), mode);
    memory.writeU64(at + layout.offset('i_ino'), BigInt(this.#ino++));
    memory.writeU32(at + layout.offset('i_nlink'), 1);
    memory.writeAddr(at + layout.offset('i_sb'), this.#sb);
    return at;
  }
  #rootFs(root: Addr): void {
    const { slab, structs, memory } = this.#kernel;
    const sb = structs.of('super_block');
    this.#sb = slab.kmalloc(sb.size);
    memory.writeU32(this.#sb + sb.offset('s_dev'), SDA1);
    memory.writeU64(this.#sb + sb.offset('s_magic'), BigInt(EXT4_MAGIC));
    memory.writeAddr(this.#sb + sb.offset('s_root'), root);
    // struct mount has its vfsmount inside; 256 bytes in front leave room for what looks behind it
    const mount = structs.of('vfsmount');
    this.#mount = slab.kmalloc(512) + 256;
    memory.writeAddr(this.#mount + mount.offset('mnt_root'), root);
    memory.writeAddr(this.#mount + mount.offset('mnt_sb'), this.#sb);
  }
}
