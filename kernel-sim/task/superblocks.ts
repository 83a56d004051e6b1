/** Super blocks of the file systems that every system has mounted in the same place (hier(7), include/uapi/linux/magic.h). */
import type { Addr } from '../../src/machine/addr.ts';
import { decodeUtf8, encodeUtf8 } from '../../src/platform/index.ts';
import { capture } from '../core/state.ts';
import type { Ground } from '../floors/ground.ts';

interface FileSystem {
  readonly type: string;
  readonly magic: number;
  /** kernel's dev_t; those without a device have numbers of major 0 */
  readonly dev: number;
}

/** 8:1 */
const SDA1 = (8 << 20) | 1;
const ROOT: FileSystem = { type: 'ext4', magic: 0xef53, dev: SDA1 };
/** by where they are mounted, the deepest first */
const MOUNTED: readonly (readonly [at: string, fs: FileSystem])[] = [
  ['/sys/kernel/debug/', { type: 'debugfs', magic: 0x64626720, dev: 7 }],
  ['/sys/kernel/tracing/', { type: 'tracefs', magic: 0x74726163, dev: 12 }],
  ['/sys/kernel/security/', { type: 'securityfs', magic: 0x73636673, dev: 6 }],
  ['/sys/fs/cgroup/', { type: 'cgroup2', magic: 0x63677270, dev: 27 }],
  ['/sys/fs/bpf/', { type: 'bpf', magic: 0xcafe4a11, dev: 30 }],
  ['/sys/', { type: 'sysfs', magic: 0x62656572, dev: 21 }],
  ['/proc/', { type: 'proc', magic: 0x9fa0, dev: 22 }],
  ['/dev/pts/', { type: 'devpts', magic: 0x1cd1, dev: 24 }],
  ['/dev/shm/', { type: 'tmpfs', magic: 0x01021994, dev: 26 }],
  ['/dev/', { type: 'devtmpfs', magic: 0x01021994, dev: 5 }],
  ['/run/', { type: 'tmpfs', magic: 0x01021994, dev: 25 }],
];
/** those that no path leads to */
export const PSEUDO = {
  sockfs: { type: 'sockfs', magic: 0x534f434b, dev: 8 },
  pipefs: { type: 'pipefs', magic: 0x50495045, dev: 14 },
  anon_inodefs: { type: 'anon_inodefs', magic: 0x09041934, dev: 15 },
  tmpfs: { type: 'tmpfs', magic: 0x01021994, dev: 1 },
  nsfs: { type: 'nsfs', magic: 0x6e736673, dev: 4 },
} as const satisfies Readonly<Record<string, FileSystem>>;
export type PseudoFs = keyof typeof PSEUDO;

/** room for `struct file_system_type`, whose first field is the name */
const FILE_SYSTEM_TYPE = 128;

export class SuperBlocks {
  readonly #kernel: Ground;
  /** `struct super_block` */
  readonly #made = new Map<FileSystem, Addr>();
  constructor(kernel: Ground) {
    this.#kernel = kernel;
  }
  save() {
    return capture({ made: this.#made });
  }
  restore(state: ReturnType<SuperBlocks['save']>): void {
    state.back();
  }

  /** Of the file system that has a path. */
  of(path: string): Addr {
    // few paths are not on the root's
    const [, first] = path;
    if (first !== 's' && first !== 'p' && first !== 'd' && first !== 'r') return this.#of(ROOT);
    return this.#of(MOUNTED.find(([at]) => path.startsWith(at))?.[1] ?? ROOT);
  }
  /** Of a new mount, by its type as mount(2) was given it. */
  mounted(type: Uint8Array | undefined): Addr {
    const name = type === undefined ? '' : decodeUtf8(type);
    const known = [ROOT, ...MOUNTED.map(([, fs]) => fs)].find((fs) => fs.type === name);
    return this.#of(known ?? ROOT);
  }
  pseudo(fs: PseudoFs): Addr {
    return this.#of(PSEUDO[fs]);
  }
  #of(fs: FileSystem): Addr {
    const known = this.#made.get(fs);
    if (known !== undefined) return known;
    const { slab, structs, memory } = this.#kernel;
    const layout = structs.of('super_block');
    const at = slab.kmalloc(layout.size);
    memory.writeU32(at + layout.offset('s_dev'), fs.dev);
    memory.writeU64(at + layout.offset('s_magic'), BigInt(fs.magic));
    const kind = slab.kmalloc(FILE_SYSTEM_TYPE);
    const name = encodeUtf8(`${fs.type}\0`);
    const text = slab.kmalloc(name.length);
    memory.writeBytes(text, name);
    memory.writeAddr(kind, text);
    memory.writeAddr(at + layout.offset('s_type'), kind);
    const id = encodeUtf8(fs === ROOT ? 'sda1' : fs.type);
    memory.writeBytes(at + layout.offset('s_id'), id);
    this.#made.set(fs, at);
    return at;
  }
}
