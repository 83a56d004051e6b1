/** Disks that a recording names, and requests to them: `struct gendisk` and `struct request` as tools read them. */
import type { Addr } from '../../src/machine/addr.ts';
import { encodeUtf8 } from '../../src/platform/index.ts';
import { capture } from '../core/state.ts';
import type { ObjectFloor } from '../floors/objects.ts';

/** REQ_OP_ numbers and flags of include/linux/blk_types.h, by the letters of rwbs (blk_fill_rwbs) */
const OPS: readonly (readonly [letter: string, bits: number])[] = [
  ['W', 1],
  ['D', 3],
  ['F', 2],
  ['S', 1 << 11],
  ['M', 1 << 12],
  ['A', 1 << 19],
];
const opFlags = (rwbs: string): number =>
  OPS.reduce((bits, [letter, bit]) => (rwbs.includes(letter) ? bits | bit : bits), 0);

/** drivers by major number: the names of their disks (Documentation/admin-guide/devices.txt) */
const NAMES: Readonly<Record<number, (minor: number) => string>> = {
  7: (minor) => `loop${minor}`,
  8: (minor) => `sd${letter(minor >> 4)}`,
  179: (minor) => `mmcblk${minor >> 3}`,
  259: (minor) => `nvme${minor >> 8}n1`,
};
const letter = (n: number): string => String.fromCharCode(97 + (n % 26));
/** virtio and others have no number of their own */
const virtual = (minor: number): string => `vd${letter(minor >> 4)}`;

export interface Disk {
  readonly queue: Addr;
  readonly part: Addr;
}

export class Disks {
  readonly #kernel: ObjectFloor;
  readonly #disks = new Map<string, Disk>();
  /** requests under way by disk and sector */
  readonly #requests = new Map<string, Addr>();

  constructor(kernel: ObjectFloor) {
    this.#kernel = kernel;
    const { text, args, memory } = kernel;
    const at = kernel.structs.offsets('request', ['__data_len', 'bio']);
    text.hypercall('request_of', () => args.retAddr(this.#bios.get(args.addr(0)) ?? 0));
    text.hypercall('rq_bytes', () => args.retU32(memory.readU32(args.addr(0) + at.__data_len)));
    text.hypercall('rq_done', () => memory.writeU32(args.addr(0) + at.__data_len, 0));
    text.hypercall('free_request', () => this.#free(args.addr(0)));
  }
  /** requests by their bio */
  readonly #bios = new Map<Addr, Addr>();
  save() {
    return capture({ disks: this.#disks, requests: this.#requests, bios: this.#bios });
  }
  restore(state: ReturnType<Disks['save']>): void {
    state.back();
  }

  /** The request for these sectors, made when it is first named: major,minor; sector; sectors; rwbs. */
  request(dev: string, sector: number, sectors: number, rwbs: string): Addr {
    const key = `${dev} ${sector}`;
    const known = this.#requests.get(key);
    if (known !== undefined) return known;
    const { slab, memory, structs, clock } = this.#kernel;
    const disk = this.#disk(dev);
    const rq = structs.offsets('request', ['q', 'cmd_flags', '__data_len', '__sector', 'bio', 'part', 'start_time_ns']);
    const bio = structs.offsets('bio', ['bi_bdev', 'bi_opf', 'bi_iter.bi_sector', 'bi_iter.bi_size']);
    const at = slab.kmalloc(rq.sizeof);
    const bioAt = slab.kmalloc(bio.sizeof);
    memory.writeAddr(at + rq.q, disk.queue);
    memory.writeU32(at + rq.cmd_flags, opFlags(rwbs));
    memory.writeU32(at + rq.__data_len, sectors * 512);
    memory.writeAddr(at + rq.__sector, sector);
    memory.writeAddr(at + rq.bio, bioAt);
    memory.writeAddr(at + rq.part, disk.part);
    memory.writeU64(at + rq.start_time_ns, BigInt(Math.floor(clock.now)));
    memory.writeAddr(bioAt + bio.bi_bdev, disk.part);
    memory.writeU32(bioAt + bio.bi_opf, opFlags(rwbs));
    memory.writeAddr(bioAt + bio['bi_iter.bi_sector'], sector);
    memory.writeU32(bioAt + bio['bi_iter.bi_size'], sectors * 512);
    this.#requests.set(key, at);
    this.#bios.set(bioAt, at);
    return at;
  }
  /** `struct bio` of a request. */
  bio(request: Addr): Addr {
    return this.#kernel.memory.readAddr(request + this.#kernel.structs.offsets('request', ['bio']).bio);
  }
  #free(request: Addr): void {
    for (const [key, at] of this.#requests) {
      if (at !== request) continue;
      this.#requests.delete(key);
      const bio = this.bio(request);
      this.#bios.delete(bio);
      this.#kernel.slab.kfree(bio);
      this.#kernel.slab.kfree(request);
      return;
    }
  }
  #disk(dev: string): Disk {
    const known = this.#disks.get(dev);
    if (known) return known;
    const { slab, memory, structs } = this.#kernel;
    const [major = 0, minor = 0] = dev.split(',').map(Number);
    const gd = structs.offsets('gendisk', ['major', 'first_minor', 'disk_name', 'part0', 'queue']);
    const rq = structs.offsets('request_queue', ['disk']);
    const bd = structs.offsets('block_device', ['bd_disk', 'bd_dev', 'bd_queue']);
    const disk = slab.kmalloc(gd.sizeof);
    const queue = slab.kmalloc(rq.sizeof);
    const part = slab.kmalloc(bd.sizeof);
    memory.writeU32(disk + gd.major, major);
    memory.writeU32(disk + gd.first_minor, minor);
    memory.writeBytes(disk + gd.disk_name, encodeUtf8(`${(NAMES[major] ?? virtual)(minor)}\0`));
    memory.writeAddr(disk + gd.part0, part);
    memory.writeAddr(disk + gd.queue, queue);
    memory.writeAddr(queue + rq.disk, disk);
    memory.writeAddr(part + bd.bd_disk, disk);
    memory.writeU32(part + bd.bd_dev, ((major << 20) | minor) >>> 0);
    memory.writeAddr(part + bd.bd_queue, queue);
    const made: Disk = { queue, part };
    this.#disks.set(dev, made);
    return made;
  }
}
