/** Open files: struct file, dentry, inode, and each process's descriptor table, in guest memory. */
import type { Addr } from '../../src/machine/addr.ts';
import type { DirectMap } from '../core/direct-map.ts';
import { OWN_PERCPU } from '../core/own-percpu.ts';
import type { Kernel } from '../kernel.ts';
import { DentryCache } from './dentries.ts';
import { FileCache } from './file-cache.ts';
import { FILE_NEXT } from './layout.ts';
import type { Task } from './task.ts';

/** descriptors that a table has room for */
const MAX_FDS = 256;

export class Files {
  readonly #kernel: Kernel;
  readonly #filp: FileCache;
  readonly #dentries: DentryCache;
  onSocketFree: ((socket: Addr) => void) | undefined;
  readonly #direct: DirectMap;
  #fs: Addr = 0;
  readonly #f: Record<'dentry' | 'inode' | 'mnt' | 'private' | 'next', number>;
  readonly #dentryInode: number;
  readonly #filesFdt: number;
  readonly #fdtFd: number;

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
    this.#direct = kernel.direct;
    this.#filp = new FileCache(kernel);
    this.#dentries = new DentryCache(kernel);
    const file = kernel.structs.of('file');
    this.#f = {
      dentry: file.offset('f_path.dentry'),
      inode: file.offset('f_inode'),
      mnt: file.offset('f_path.mnt'),
      private: file.offset('private_data'),
      next: file.offset(FILE_NEXT),
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
        memory.writeAddr(this.#fs + layout.offset(which), this.#dentries.mount);
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
      for (let fd = 0; fd < MAX_FDS; fd++) this.#filp.hold(memory.readAddr(fds + 8 * fd), 1);
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
        this.#filp.hold(file, -1);
        this.put(file);
      }
    }
    slab.kfree(fds);
    slab.kfree(table);
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
    this.#filp.hold(file, 1);
    this.#filp.hold(old, -1);
    // dup2 closes what it replaces; close() itself still holds the file until __fput
    if (old !== 0 && file !== 0 && this.isLast(old)) this.#putOff(old);
  }

  /** `struct file` of a path. */
  open(path: string): Addr {
    return this.openDentry(this.dentry(path));
  }
  openDentry(dentry: Addr): Addr {
    const direct = this.#direct;
    const at = this.#filp.alloc();
    direct.putAddr(at + this.#f.dentry, dentry);
    direct.putAddr(at + this.#f.mnt, this.#dentries.mount);
    direct.putAddr(at + this.#f.inode, direct.addr(dentry + this.#dentryInode));
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
    if (direct.addr(own + OWN_PERCPU.fput_head) === 0) direct.putAddr(own + OWN_PERCPU.fput_head, file);
    else direct.putAddr(direct.addr(own + OWN_PERCPU.fput_tail) + this.#f.next, file);
    direct.putAddr(own + OWN_PERCPU.fput_tail, file);
  }
  /** exit_files() of the last thread: every descriptor is closed. */
  closeAll(task: Task): void {
    const direct = this.#direct;
    const fds = this.#slots(direct.addr(task.files));
    for (let fd = 0; fd < MAX_FDS; fd++) {
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
    if (socket !== 0) this.onSocketFree?.(socket);
    this.#filp.free(file);
  }
  /** The dentry of an absolute path (a relative one counts from `/`), its parents' too; cached as the dcache does. */
  dentry(path: string): Addr {
    return this.#dentries.of(path);
  }
  /** `vfsmount` of the root file system. */
  get mount(): Addr {
    return this.#dentries.mount;
  }
}
