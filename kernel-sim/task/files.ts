/** Open files: struct file, dentry, inode, and each process's descriptor table, in guest memory. */
import type { Addr } from '../../src/machine/addr.ts';
import { DirectMap } from '../core/direct-map.ts';
import type { Kernel } from '../kernel.ts';
import type { KmemCache } from '../mm/slab.ts';
import type { Task } from './task.ts';

/** descriptors that a table has room for */
const MAX_FDS = 256;
/** spellings remembered */
const MAX_PATHS = 4096;
const S_IFREG = 0x8000 | 0o644;
const S_IFDIR = 0x4000 | 0o755;
const EXT4_MAGIC = 0xef53;
/** 8:1 */
const SDA1 = (8 << 20) | 1;

export class Files {
  readonly #kernel: Kernel;
  readonly #filp: KmemCache;
  /** descriptors that refer to a file */
  readonly #refs = new Map<Addr, number>();
  readonly #closing: Addr[] = [];
  onSocketFree: ((socket: Addr) => void) | undefined;
  /** paths as they were given */
  readonly #paths = new Map<string, Addr>();
  readonly #direct: DirectMap;
  readonly #dentries = new Map<string, Addr>();
  #fs: Addr = 0;
  #mount: Addr = 0;
  #sb: Addr = 0;
  #ino = 131073;
  readonly #f: Record<'dentry' | 'inode' | 'mnt' | 'private', number>;
  readonly #dentryInode: number;
  readonly #filesFdt: number;
  readonly #fdtFd: number;

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
    this.#direct = new DirectMap(kernel.memory);
    const file = kernel.structs.of('file');
    this.#filp = kernel.slab.create('filp', file.size, 64);
    this.#f = {
      dentry: file.offset('f_path.dentry'),
      inode: file.offset('f_inode'),
      mnt: file.offset('f_path.mnt'),
      private: file.offset('private_data'),
    };
    this.#dentryInode = kernel.structs.of('dentry').offset('d_inode');
    this.#filesFdt = kernel.structs.of('files_struct').offset('fdt');
    this.#fdtFd = kernel.structs.of('fdtable').offset('fd');
  }

  /** `fs_struct` with root and working directory `/`. */
  get fsStruct(): Addr {
    if (this.#fs === 0) {
      const { slab, structs, memory } = this.#kernel;
      const layout = structs.of('fs_struct');
      this.#fs = slab.kmalloc(layout.size);
      const root = this.dentry('/');
      for (const which of ['root', 'pwd']) {
        memory.writeAddr(this.#fs + layout.offset(which), this.#mount);
        memory.writeAddr(this.#fs + layout.offset(which) + 8, root);
      }
    }
    return this.#fs;
  }
  /** A descriptor table, with copies of the parent's entries (fork). */
  newTable(parent: Task | undefined): Addr {
    const { slab, structs, memory } = this.#kernel;
    const layout = structs.of('files_struct');
    const at = slab.kmalloc(layout.size);
    const fdt = at + layout.offset('fdtab');
    const fds = slab.kmalloc(MAX_FDS * 8);
    memory.writeAddr(at + layout.offset('fdt'), fdt);
    memory.writeU32(fdt + structs.of('fdtable').offset('max_fds'), MAX_FDS);
    memory.writeAddr(fdt + this.#fdtFd, fds);
    const from = parent && memory.readAddr(parent.field('files'));
    if (from) {
      memory.writeBytes(fds, memory.readBytes(this.#slots(from), MAX_FDS * 8));
      for (let fd = 0; fd < MAX_FDS; fd++) this.#hold(memory.readAddr(fds + 8 * fd), 1);
    }
    return at;
  }
  /** exit_files() of the last thread */
  freeTable(table: Addr): void {
    const { slab, memory } = this.#kernel;
    const fds = this.#slots(table);
    for (let fd = 0; fd < MAX_FDS; fd++) {
      const file = memory.readAddr(fds + 8 * fd);
      if (file !== 0) {
        this.#hold(file, -1);
        this.put(file);
      }
    }
    slab.kfree(fds);
    slab.kfree(table);
  }
  #hold(file: Addr, change: 1 | -1): void {
    if (file === 0) return;
    this.#refs.set(file, (this.#refs.get(file) ?? 0) + change);
  }
  #slots(table: Addr): Addr {
    const direct = this.#direct;
    return direct.addr(direct.addr(table + this.#filesFdt) + this.#fdtFd);
  }
  get(task: Task, fd: number): Addr {
    if (fd < 0 || fd >= MAX_FDS) return 0;
    return this.#direct.addr(this.#slots(this.#direct.addr(task.files)) + 8 * fd);
  }
  install(task: Task, fd: number, file: Addr): void {
    if (fd < 0 || fd >= MAX_FDS) return;
    const direct = this.#direct;
    const slot = this.#slots(direct.addr(task.files)) + 8 * fd;
    const old = direct.addr(slot);
    if (old === file) return;
    direct.putAddr(slot, file);
    this.#hold(file, 1);
    this.#hold(old, -1);
    // dup2 closes what it replaces; close() itself still holds the file until __fput
    if (old !== 0 && file !== 0 && this.isLast(old)) this.#closing.push(old);
  }

  /** `struct file` of a path. */
  open(path: string): Addr {
    const direct = this.#direct;
    let dentry = this.#paths.get(path);
    if (dentry === undefined) {
      if (this.#paths.size > MAX_PATHS) this.#paths.clear();
      dentry = this.dentry(path);
      this.#paths.set(path, dentry);
    }
    const at = this.#filp.alloc();
    direct.putAddr(at + this.#f.dentry, dentry);
    direct.putAddr(at + this.#f.mnt, this.#mount);
    direct.putAddr(at + this.#f.inode, direct.addr(dentry + this.#dentryInode));
    return at;
  }
  /** Whether no descriptor refers to a file any more. */
  isLast(file: Addr): boolean {
    return file !== 0 && (this.#refs.get(file) ?? 0) <= 0 && this.#filp.has(file);
  }
  /** Files whose last reference went: task work of the current task calls __fput for each. */
  get hasWork(): boolean {
    return this.#closing.length > 0;
  }
  nextWork(): Addr {
    return this.#closing.shift() ?? 0;
  }
  /** exit_files() of the last thread: every descriptor is closed. */
  closeAll(task: Task): void {
    const direct = this.#direct;
    const fds = this.#slots(direct.addr(task.files));
    for (let fd = 0; fd < MAX_FDS; fd++) {
      const file = direct.addr(fds + 8 * fd);
      if (file === 0) continue;
      direct.putAddr(fds + 8 * fd, 0);
      this.#hold(file, -1);
      if (this.isLast(file)) this.#closing.push(file);
    }
  }
  /** Frees a file that no descriptor refers to any more. */
  put(file: Addr): void {
    if ((this.#refs.get(file) ?? 0) > 0 || !this.#filp.has(file)) return;
    this.#refs.delete(file);
    const socket = this.#direct.addr(file + this.#f.private);
    if (socket !== 0) this.onSocketFree?.(socket);
    this.#filp.free(file);
  }

  /** The dentry of an absolute path (a relative one counts from `/`), its parents' too; cached as the dcache does. */
  dentry(path: string): Addr {
    const parts = path.split('/').filter((p) => p !== '' && p !== '.');
    const key = `/${parts.join('/')}`;
    const known = this.#dentries.get(key);
    if (known !== undefined) return known;
    const { slab, structs, memory } = this.#kernel;
    const layout = structs.of('dentry');
    const at = slab.kmalloc(layout.size);
    this.#dentries.set(key, at);
    const parent = parts.length === 0 ? at : this.dentry(parts.slice(0, -1).join('/'));
    const name = new TextEncoder().encode(parts.at(-1) ?? '/').subarray(0, 255);
    let text = at + layout.offset('d_iname');
    if (name.length >= layout.field('d_iname').size) text = slab.kmalloc(name.length + 1);
    memory.writeBytes(text, name);
    memory.writeU8(text + name.length, 0);
    memory.writeAddr(at + layout.offset('d_name.name'), text);
    memory.writeU32(at + layout.offset('d_name.len'), name.length);
    memory.writeAddr(at + layout.offset('d_parent'), parent);
    if (parts.length === 0) this.#rootFs(at);
    memory.writeAddr(at + layout.offset('d_sb'), this.#sb);
    memory.writeAddr(at + layout.offset('d_inode'), this.#inode(parts.length === 0 ? S_IFDIR : S_IFREG));
    return at;
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
