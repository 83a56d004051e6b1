/**
 * The dentry cache: dentries and inodes by path, counted as Linux counts them (a file and each child hold a dentry),
 * and given up when there are many (Linux 6.12 Documentation/filesystems/path-lookup.rst, "The symlink and dcache").
 */

import type { Addr } from '../../src/machine/addr.ts';
import { decodeUtf8, encodeUtf8 } from '../../src/platform/index.ts';
import type { DirectMap } from '../core/direct-map.ts';
import { S_IF, S_IFMT } from '../core/file-mode.ts';
import { Listeners } from '../core/listeners.ts';
import { DCACHE_ENTRY_TYPE, DCACHE_REFERENCED, DCACHE_REGULAR_TYPE } from '../core/object-words.ts';
import { capture, reinstate } from '../core/state.ts';
import { deviceNode } from '../data/device-nodes.ts';
import type { Ground } from '../floors/ground.ts';
import { KnownNames } from './known-names.ts';
import { KnownPaths } from './known-paths.ts';
import { RecordedMounts } from './recorded-mounts.ts';
import { type PseudoFs, SuperBlocks } from './superblocks.ts';

/** dentries kept; then those that nobody holds go, the ones not asked for since the last time first */
const MAX_DENTRIES = 16384;
const NAME_MAX = 255;
/** what each kind is as long as nothing says otherwise */
const MODE = { REG: S_IF.REG | 0o644, DIR: S_IF.DIR | 0o755, CHR: S_IF.CHR | 0o666, BLK: S_IF.BLK | 0o660 } as const;
/** directories that everyone may write to (hier(7)) */
const STICKY = new Set(['/tmp', '/var/tmp', '/dev/shm']);
const S_ISVTX = 0o1000;
/** MINORBITS of the kernel's dev_t */
const MINOR_BITS = 20;
/** file systems whose files have no pages of the page cache that a read or write goes through */
const NO_PAGES = /^\/(proc|sys|dev)\/|^\/(anon_inode|pipe:|socket:)/;
/** where an inode's attributes come from */
export interface Attributes {
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
  readonly size?: number;
  readonly ino?: number;
}

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
  readonly names = new KnownNames();
  readonly superBlocks: SuperBlocks;
  readonly mounts: RecordedMounts;
  /** what d_path() calls dentries that no path leads to */
  readonly #pseudo = new Map<Addr, string>();
  /** unlinked, and still open */
  readonly #orphans = new Set<Addr>();
  /** inodes whose attributes the recording has told */
  readonly #told = new Set<Addr>();
  #mount: Addr = 0;
  #ino = 131073;
  readonly #at: Record<'flags' | 'count' | 'parent' | 'inode' | 'name' | 'iname', number>;

  constructor(kernel: Ground) {
    this.#kernel = kernel;
    this.#direct = kernel.direct;
    this.known = new KnownPaths(kernel.memory.u8);
    this.superBlocks = new SuperBlocks(kernel);
    this.mounts = new RecordedMounts(kernel, (dentry) => this.pathOf(dentry));
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
    const [mount, ino] = [this.#mount, this.#ino];
    const { names, superBlocks, mounts, known } = this;
    const sets = { pseudo: this.#pseudo, orphans: this.#orphans, told: this.#told };
    return capture({ dentries: this.#dentries, known, names, superBlocks, mounts, ...sets, mount, ino });
  }
  restore(state: ReturnType<Dcache['save']>): void {
    const { mount, ino } = reinstate(state);
    this.#mount = mount;
    this.#ino = ino;
    this.#paths.clear();
    for (const [path, at] of this.#dentries) this.#paths.set(at, path);
  }

  /** `struct vfsmount` of the one file system; it is there once a dentry is. */
  get mount(): Addr {
    return this.#mount;
  }
  /** `d_path`: from the root down; of what no path leads to, the name that Linux gives it. */
  path(dentry: Addr): string {
    return this.#pseudo.get(dentry) ?? this.pathOf(dentry);
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
    const pseudo = this.#pseudo.size > 0 ? this.#pseudo.get(dentry) : undefined;
    if (pseudo !== undefined) return pseudo;
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
  hold(dentry: Addr): void {
    this.#hold(dentry, 1);
  }
  /** dput() */
  put(dentry: Addr): void {
    this.#hold(dentry, -1);
    if (this.#direct.get32(dentry + this.#at.count) > 0) return;
    if (this.#orphans.delete(dentry) || this.#pseudo.has(dentry)) this.#free(dentry);
  }
  #hold(dentry: Addr, change: 1 | -1): void {
    const direct = this.#direct;
    direct.put32(dentry + this.#at.count, direct.get32(dentry + this.#at.count) + change);
    direct.put32(dentry + this.#at.flags, direct.get32(dentry + this.#at.flags) | DCACHE_REFERENCED);
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
    const parts = components(path);
    const key = `/${parts.join('/')}`;
    const known = this.#dentries.get(key);
    if (known !== undefined) return this.#referenced(known);
    if (this.#dentries.size >= MAX_DENTRIES) this.#shrink();
    const { slab, structs, memory } = this.#kernel;
    const layout = structs.of('dentry');
    const at = slab.kmalloc(layout.size);
    const isRoot = parts.length === 0;
    const parent = isRoot ? at : this.#directory(parts.slice(0, -1).join('/'));
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
    const sb = this.superBlocks.of(key);
    memory.writeAddr(at + layout.offset('d_sb'), sb);
    if (this.names.isAbsent(key)) return at;
    const node = deviceNode(key);
    const inode = this.#inode(isRoot ? MODE.DIR : node === undefined ? MODE.REG : node.block ? MODE.BLK : MODE.CHR, sb);
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
    if (direct.get32(dentry + this.#at.count) > 0 || this.inode(dentry) === 0) return;
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
  /** A name that has others below it is a directory's. */
  #directory(path: string): Addr {
    const dentry = this.find(path);
    this.isDirectory(dentry);
    return dentry;
  }
  isDirectory(dentry: Addr): void {
    const { memory, structs } = this.#kernel;
    const at = this.inode(dentry) + structs.of('inode').offset('i_mode');
    if (this.inode(dentry) !== 0 && (memory.readU16(at) & S_IFMT) === S_IF.REG)
      memory.writeU16(at, STICKY.has(this.pathOf(dentry)) ? S_IF.DIR | S_ISVTX | 0o777 : MODE.DIR);
  }
  /** A dentry of a file system that no path leads to (`d_alloc_pseudo`), held once. `shown`: d_path's name; `given`: its inode, which is
   * freed by who made it. */
  pseudo(fs: PseudoFs, name: string, shown: (ino: number) => string, mode: number, given: Addr = 0): Addr {
    const { slab, structs, memory } = this.#kernel;
    const layout = structs.of('dentry');
    const at = slab.kmalloc(layout.size);
    const text = encodeUtf8(name).subarray(0, layout.field('d_iname').size - 1);
    memory.writeBytes(at + this.#at.iname, text);
    memory.writeAddr(at + this.#at.name, at + this.#at.iname);
    memory.writeU32(at + layout.offset('d_name.len'), text.length);
    memory.writeAddr(at + this.#at.parent, at);
    const sb = this.superBlocks.pseudo(fs);
    memory.writeAddr(at + layout.offset('d_sb'), sb);
    const ino = this.#ino;
    const inode = given === 0 ? this.#inode(mode, sb) : given;
    if (given !== 0) this.tell(given, { ino: this.#ino++ });
    memory.writeAddr(at + this.#at.inode, inode);
    this.#pseudo.set(at, shown(ino));
    this.#hold(at, 1);
    return at;
  }

  // --- what recorded calls do to names ---

  /** A name that a call is about to make: nothing is there yet. */
  absent(dentry: Addr): void {
    if (this.inode(dentry) === 0) return;
    const inode = this.inode(dentry);
    this.#direct.putAddr(dentry + this.#at.inode, 0);
    this.gone(dentry);
    this.names.gone(this.pathOf(dentry));
    // what made the name is the only one that has it open
    if (this.#direct.get32(dentry + this.#at.count) <= 1) this.#unlinked(inode);
  }
  /** d_instantiate() */
  instantiate(dentry: Addr, attributes: Attributes, link?: string): void {
    const path = this.pathOf(dentry);
    const mode = attributes.mode ?? MODE.REG;
    const inode = this.#inode(mode, this.superBlocks.of(path));
    this.#direct.putAddr(dentry + this.#at.inode, inode);
    if ((mode & S_IFMT) === S_IF.REG && !NO_PAGES.test(path)) this.#map(inode);
    this.made(dentry);
    this.names.exists(path, {
      directory: (mode & S_IFMT) === S_IF.DIR,
      ...(link === undefined ? {} : { link }),
    });
    this.tell(inode, attributes);
    this.known.clear();
  }
  /** A call has found a name of which the recording told that nothing has it: somebody else has made it. */
  found(dentry: Addr): void {
    if (dentry !== 0 && this.inode(dentry) === 0) this.instantiate(dentry, { mode: MODE.REG });
  }
  /** A second name of an inode (link(2)). */
  alias(from: Addr, to: Addr): void {
    const { memory, structs } = this.#kernel;
    const inode = this.inode(from);
    if (inode === 0) return;
    const links = inode + structs.of('inode').offset('i_nlink');
    memory.writeU32(links, memory.readU32(links) + 1);
    this.#direct.putAddr(to + this.#at.inode, inode);
    this.made(to);
    this.names.exists(this.pathOf(to));
  }
  /** d_delete() of a name that unlink(2) or rmdir(2) has taken away: the next look finds nothing there. */
  remove(dentry: Addr): void {
    const path = this.pathOf(dentry);
    this.names.gone(path);
    this.known.clear();
    this.#drop(path, dentry);
  }
  #drop(path: string, dentry: Addr): void {
    if (this.#dentries.get(path) === dentry) this.#dentries.delete(path);
    if (this.#direct.get32(dentry + this.#at.count) > 0) this.#orphans.add(dentry);
    else this.#free(dentry);
    // what was closed by kernel text in the meantime
    for (const at of this.#orphans) {
      if (this.#direct.get32(at + this.#at.count) > 0) continue;
      this.#orphans.delete(at);
      this.#free(at);
    }
  }
  /** d_move(): `exchange` where both names go on. */
  rename(from: Addr, to: Addr, exchange: boolean): void {
    const [old, next] = [this.pathOf(from), this.pathOf(to)];
    const [a, b] = [this.inode(from), this.inode(to)];
    this.known.clear();
    // names below a directory are looked up anew
    for (const [path, at] of [...this.#dentries])
      if (path.startsWith(`${old}/`) || path.startsWith(`${next}/`)) this.#drop(path, at);
    this.made(to);
    this.#direct.putAddr(to + this.#at.inode, a);
    this.#direct.putAddr(from + this.#at.inode, exchange ? b : 0);
    if (exchange) return;
    this.names.moved(old, next);
    // an open file still has it
    if (b !== 0 && b !== a && this.#direct.get32(to + this.#at.count) === 0) this.#unlinked(b);
    this.#drop(old, from);
  }
  #unlinked(inode: Addr): void {
    const { memory, structs, slab } = this.#kernel;
    const at = inode + structs.of('inode').offset('i_nlink');
    const left = memory.readU32(at) - 1;
    memory.writeU32(at, Math.max(left, 0));
    if (left > 0) return;
    this.#told.delete(inode);
    this.freed.tell(inode);
    if (slab.owns(inode)) slab.kfree(inode);
  }

  /** Attributes that a call has set, or told of. */
  tell(inode: Addr, { mode, uid, gid, size, ino }: Attributes): void {
    if (inode === 0) return;
    const { memory, structs } = this.#kernel;
    const layout = structs.of('inode');
    if (mode !== undefined) {
      const at = inode + layout.offset('i_mode');
      memory.writeU16(at, mode & S_IFMT ? mode : (memory.readU16(at) & S_IFMT) | mode);
    }
    if (uid !== undefined && uid >= 0) memory.writeU32(inode + layout.offset('i_uid'), uid);
    if (gid !== undefined && gid >= 0) memory.writeU32(inode + layout.offset('i_gid'), gid);
    if (size !== undefined) memory.writeU64(inode + layout.offset('i_size'), BigInt(size));
    if (ino !== undefined) memory.writeU64(inode + layout.offset('i_ino'), BigInt(ino));
    if (uid !== undefined) this.#told.add(inode);
  }
  /** Whether a file or a name below refers to a dentry. */
  isHeld(dentry: Addr): boolean {
    return this.#direct.get32(dentry + this.#at.count) > 0;
  }
  /** Whether an inode's owner is known. */
  isTold(inode: Addr): boolean {
    return this.#told.has(inode);
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
    if (this.inode(at) !== 0) this.#unlinked(this.inode(at));
    if (!this.#pseudo.delete(at)) this.#hold(direct.addr(at + this.#at.parent), -1);
    slab.kfree(at);
  }
  #inode(mode: number, sb: Addr): Addr {
    const { slab, structs, memory } = this.#kernel;
    const layout = structs.of('inode');
    const at = slab.kmalloc(layout.size);
    memory.writeU16(at + layout.offset('i_mode'), mode);
    memory.writeU64(at + layout.offset('i_ino'), BigInt(this.#ino++));
    memory.writeU32(at + layout.offset('i_nlink'), 1);
    memory.writeAddr(at + layout.offset('i_sb'), sb);
    return at;
  }
  #rootFs(root: Addr): void {
    const { slab, structs, memory } = this.#kernel;
    const sb = this.superBlocks.of('/');
    memory.writeAddr(sb + structs.of('super_block').offset('s_root'), root);
    // struct mount has its vfsmount inside; 256 bytes in front leave room for what looks behind it
    const mount = structs.of('vfsmount');
    this.#mount = slab.kmalloc(512) + 256;
    memory.writeAddr(this.#mount + mount.offset('mnt_root'), root);
    memory.writeAddr(this.#mount + mount.offset('mnt_sb'), sb);
  }
}

/** Names of a path, from the root. */
export function components(path: string): string[] {
  const parts: string[] = [];
  for (const part of path.split('/'))
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  return parts;
}
