/** The dcache: dentries and inodes of the paths that the recording opens, in guest memory (Linux 6.12 Documentation/filesystems/vfs.rst). */
import type { Addr } from '../../src/machine/addr.ts';
import type { Kernel } from '../kernel.ts';

const S_IFREG = 0x8000 | 0o644;
const S_IFDIR = 0x4000 | 0o755;
const EXT4_MAGIC = 0xef53;
/** 8:1 */
const SDA1 = (8 << 20) | 1;

export class DentryCache {
  readonly #kernel: Kernel;
  readonly #dentries = new Map<string, Addr>();
  #sb: Addr = 0;
  #ino = 131073;
  /** `vfsmount` of the root file system; 0 before its root has a dentry */
  mount: Addr = 0;

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
  }

  /** The dentry of an absolute path (a relative one counts from `/`), its parents' too; cached as the dcache does. */
  of(path: string): Addr {
    const parts = path.split('/').filter((p) => p !== '' && p !== '.');
    const key = `/${parts.join('/')}`;
    const known = this.#dentries.get(key);
    if (known !== undefined) return known;
    const { slab, structs, memory } = this.#kernel;
    const layout = structs.of('dentry');
    const at = slab.kmalloc(layout.size);
    this.#dentries.set(key, at);
    const parent = parts.length === 0 ? at : this.of(parts.slice(0, -1).join('/'));
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
    this.mount = slab.kmalloc(512) + 256;
    memory.writeAddr(this.mount + mount.offset('mnt_root'), root);
    memory.writeAddr(this.mount + mount.offset('mnt_sb'), this.#sb);
  }
}
