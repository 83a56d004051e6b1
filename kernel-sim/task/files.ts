/** Open files: struct file and each process's descriptor table, in guest memory. */
import type { Addr } from '../../src/machine/addr.ts';
import type { DirectMap } from '../core/direct-map.ts';
import { Listeners } from '../core/listeners.ts';
import { MODEL_PERCPU } from '../core/model-percpu.ts';
import { FILE_NEXT } from '../core/object-words.ts';
import { capture, reinstate } from '../core/state.ts';
import type { Ground } from '../floors/ground.ts';
import { Dcache } from './dcache.ts';
import { FileCache } from './file-cache.ts';
import { PageCache } from './page-cache.ts';
import type { Task } from './task.ts';

/** descriptors that a new table has room for */
const MIN_FDS = 256;
/** fs.nr_open: more than this no table has, whatever the limits of a process say */
/** what shells set */
const UMASK = 0o022;
const NR_OPEN = 1 << 20;

export class Files {
  readonly #kernel: Ground;
  readonly #filp: FileCache;
  /** the last reference to a socket's file went */
  readonly socketFreed = new Listeners<[socket: Addr]>();
  readonly dcache: Dcache;
  readonly pages: PageCache;
  readonly #direct: DirectMap;
  #fs: Addr = 0;
  readonly #f: Record<'dentry' | 'inode' | 'mnt' | 'private' | 'next', number>;
  readonly #filesFdt: number;
  readonly #fdtFd: number;
  readonly #fdtMax: number;

  constructor(kernel: Ground) {
    this.#kernel = kernel;
    this.#direct = kernel.direct;
    this.dcache = new Dcache(kernel);
    this.pages = new PageCache(kernel);
    const mapping = kernel.structs.of('inode').offset('i_mapping');
    this.dcache.freed.add((inode) => this.pages.drop(this.#direct.addr(inode + mapping)));
    const file = kernel.structs.of('file');
    this.#filp = new FileCache(kernel);
    this.#f = {
      dentry: file.offset('f_path.dentry'),
      inode: file.offset('f_inode'),
      mnt: file.offset('f_path.mnt'),
      private: file.offset('private_data'),
      next: file.offset(FILE_NEXT),
    };
    this.#filesFdt = kernel.structs.of('files_struct').offset('fdt');
    this.#fdtFd = kernel.structs.of('fdtable').offset('fd');
    this.#fdtMax = kernel.structs.of('fdtable').offset('max_fds');
  }

  save() {
    return capture({ fs: this.#fs, dcache: this.dcache, pages: this.pages });
  }
  restore(state: ReturnType<Files['save']>): void {
    this.#fs = reinstate(state).fs;
  }

  /** `fs_struct` with root and working directory `/`. */
  get fsStruct(): Addr {
    if (this.#fs === 0) {
      const { slab, structs, memory } = this.#kernel;
      const layout = structs.of('fs_struct');
      this.#fs = slab.kmalloc(layout.size);
      const root = this.dcache.get('/');
      memory.writeU32(this.#fs + layout.offset('umask'), UMASK);
      for (const which of ['root', 'pwd']) {
        memory.writeAddr(this.#fs + layout.offset(which), this.dcache.mount);
        memory.writeAddr(this.#fs + layout.offset(which) + 8, root);
      }
    }
    return this.#fs;
  }
  /** A `fs_struct` of a new process, as its parent's. */
  newFs(parent: Task | undefined): Addr {
    const { slab, structs, memory } = this.#kernel;
    const { size } = structs.of('fs_struct');
    const at = slab.kmalloc(size);
    memory.writeBytes(at, memory.readBytes(parent ? memory.readAddr(parent.field('fs')) : this.fsStruct, size));
    return at;
  }
  /** set_fs_pwd(), set_fs_root(). A directory of a process stays cached. */
  setFs(task: Task, which: 'pwd' | 'root', dentry: Addr): void {
    const { structs, memory } = this.#kernel;
    const at = memory.readAddr(task.field('fs')) + structs.of('fs_struct').offset(which);
    memory.writeAddr(at + 8, dentry);
    this.dcache.hold(dentry);
  }
  /** The dentry of a process's working directory, or of its root. */
  fsDentry(task: Task, which: 'pwd' | 'root'): Addr {
    const direct = this.#direct;
    const fs = direct.addr(task.field('fs'));
    return fs === 0 ? 0 : direct.addr(fs + this.#kernel.structs.of('fs_struct').offset(which) + 8);
  }
  /** A descriptor table, with copies of the parent's entries (fork). */
  newTable(parent: Task | undefined): Addr {
    const { slab, structs, memory } = this.#kernel;
    const layout = structs.of('files_struct');
    const at = slab.kmalloc(layout.size);
    const fdt = at + layout.offset('fdtab');
    const from = parent && memory.readAddr(parent.field('files'));
    const max = from ? this.#room(from) : MIN_FDS;
    const fds = slab.kmalloc(max * 8);
    memory.writeAddr(at + layout.offset('fdt'), fdt);
    memory.writeU32(fdt + this.#fdtMax, max);
    memory.writeAddr(fdt + this.#fdtFd, fds);
    if (from) {
      memory.writeBytes(fds, memory.readBytes(this.#slots(from), max * 8));
      for (let fd = 0; fd < max; fd++) this.#filp.hold(this.#direct.addr(fds + 8 * fd), 1);
    }
    return at;
  }
  /** exit_files() of the last thread */
  freeTable(table: Addr): void {
    const { slab } = this.#kernel;
    const fds = this.#slots(table);
    const max = this.#room(table);
    for (let fd = 0; fd < max; fd++) {
      const file = this.#direct.addr(fds + 8 * fd);
      if (file !== 0) {
        this.#filp.hold(file, -1);
        this.put(file);
      }
    }
    slab.kfree(fds);
    slab.kfree(table);
  }
  /** expand_files(): room for a descriptor, in steps of a power of two times 128. */
  #expand(table: Addr, fd: number): void {
    const { slab, memory } = this.#kernel;
    const old = this.#slots(table);
    const max = this.#room(table);
    let room = max;
    while (room <= fd) room *= 2;
    const fds = slab.kmalloc(room * 8);
    memory.writeBytes(fds, memory.readBytes(old, max * 8));
    const fdt = this.#direct.addr(table + this.#filesFdt);
    memory.writeAddr(fdt + this.#fdtFd, fds);
    memory.writeU32(fdt + this.#fdtMax, room);
    slab.kfree(old);
  }
  #slots(table: Addr): Addr {
    const direct = this.#direct;
    return direct.addr(direct.addr(table + this.#filesFdt) + this.#fdtFd);
  }
  /** Descriptors that a task's table has room for. */
  room(task: Task): number {
    return this.#room(this.#direct.addr(task.files));
  }
  /** max_fds: descriptors that a table has room for. */
  #room(table: Addr): number {
    const direct = this.#direct;
    return direct.get32(direct.addr(table + this.#filesFdt) + this.#fdtMax);
  }
  get(task: Task, fd: number): Addr {
    const table = this.#direct.addr(task.files);
    if (fd < 0 || fd >= this.#room(table)) return 0;
    return this.#direct.addr(this.#slots(table) + 8 * fd);
  }
  install(task: Task, fd: number, file: Addr): void {
    const direct = this.#direct;
    const table = direct.addr(task.files);
    if (fd < 0 || fd >= NR_OPEN) {
      // no descriptor of Linux: nothing will refer to the file
      if (file !== 0) this.#putOff(file);
      return;
    }
    if (fd >= this.#room(table)) this.#expand(table, fd);
    const slot = this.#slots(table) + 8 * fd;
    const old = direct.addr(slot);
    if (old === file) return;
    direct.putAddr(slot, file);
    this.#filp.hold(file, 1);
    this.#filp.hold(old, -1);
    // dup2 closes what it replaces; close() itself still holds the file until __fput
    if (old !== 0 && file !== 0 && this.isLast(old)) this.#putOff(old);
  }

  /** Path of an open file. */
  pathOf(file: Addr): string {
    return this.dcache.pathOf(this.#direct.addr(file + this.#f.dentry));
  }
  /** `struct file` of a path. */
  open(path: string): Addr {
    return this.openDentry(this.dcache.get(path));
  }
  /** `struct file` of a dentry that is held for it. */
  openDentry(dentry: Addr): Addr {
    const direct = this.#direct;
    const at = this.#filp.alloc();
    direct.putAddr(at + this.#f.dentry, dentry);
    direct.putAddr(at + this.#f.mnt, this.dcache.mount);
    direct.putAddr(at + this.#f.inode, this.dcache.inode(dentry));
    return at;
  }
  /** Whether no descriptor refers to a file any more. */
  isLast(file: Addr): boolean {
    return this.#filp.isLive(file) && this.#filp.refs(file) <= 0;
  }
  /** task_work_add(): the file's last reference went, and the current task closes it on its way to user space. */
  #putOff(file: Addr): void {
    const direct = this.#direct;
    const own = this.#kernel.percpu.offset(this.#kernel.context.cpu);
    direct.putAddr(file + this.#f.next, 0);
    if (direct.addr(own + MODEL_PERCPU.fput_head) === 0) direct.putAddr(own + MODEL_PERCPU.fput_head, file);
    else direct.putAddr(direct.addr(own + MODEL_PERCPU.fput_tail) + this.#f.next, file);
    direct.putAddr(own + MODEL_PERCPU.fput_tail, file);
  }
  /** exit_files() of the last thread: every descriptor is closed. */
  closeAll(task: Task): void {
    const direct = this.#direct;
    const table = direct.addr(task.files);
    const fds = this.#slots(table);
    const max = this.#room(table);
    for (let fd = 0; fd < max; fd++) {
      const file = direct.addr(fds + 8 * fd);
      if (file === 0) continue;
      direct.putAddr(fds + 8 * fd, 0);
      this.#filp.hold(file, -1);
      if (this.isLast(file)) this.#putOff(file);
    }
  }
  /** Frees a file that no descriptor refers to any more. */
  put(file: Addr): void {
    if (!this.isLast(file)) return;
    const socket = this.#direct.addr(file + this.#f.private);
    this.dcache.put(this.#direct.addr(file + this.#f.dentry));
    if (socket !== 0) this.socketFreed.tell(socket);
    this.#filp.free(file);
  }
}
