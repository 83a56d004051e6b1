/**
 * A structure of functions that programs are (BPF_MAP_TYPE_STRUCT_OPS): one value, which user space fills with descriptors of
 * programs. The kernel's copy has pointers to trampolines in their places, and is registered where such structures are,
 * by the update itself or, with BPF_F_LINK, by a link (kernel/bpf/bpf_struct_ops.c, Linux 6.12).
 */
import type { Addr } from '../../../src/machine/addr.ts';
import { BPF_F_LINK, BPF_PROG_TYPE } from '../../../src/uapi/index.ts';
import { ERRNO, KernelError } from '../../core/errno.ts';
import type { OpsRegistry } from '../struct-ops/row.ts';
import type { OpsMember, StructOpsType } from '../struct-ops/type.ts';
import { BpfMap, type MapAttrs, type MapContext, MapCreateError, type ProgTarget } from './map.ts';

/** `enum bpf_struct_ops_state` */
const STATE = { INIT: 0, INUSE: 1, TOBEFREE: 2, READY: 3 } as const;

const isZero = (bytes: Uint8Array): boolean => bytes.every((byte) => byte === 0);

export class StructOpsMap extends BpfMap {
  readonly #context: MapContext;
  readonly #of: StructOpsType;
  /** the value as user space reads it, with ids of programs; the kernel's own, with pointers */
  readonly #user: Addr;
  readonly #kernel: Addr;
  readonly #progs: ProgTarget[] = [];
  readonly #images: Addr[] = [];
  readonly #now: { state: number; users: number } = { state: STATE.INIT, users: 0 };
  /** what holds the map while the structure is used */
  readonly #owner = {
    get: (): void => {
      this.#now.users++;
      this.get();
    },
    put: (): void => {
      this.#now.users--;
      this.put();
    },
  };

  constructor(context: MapContext, attrs: MapAttrs) {
    const type = context.structOps.type(attrs.btfVmlinuxValueTypeId);
    if (type === undefined)
      throw new MapCreateError('ENOTSUPP', `BTF id ${attrs.btfVmlinuxValueTypeId} is no value of a struct_ops map`);
    if (attrs.valueSize !== type.size)
      throw new MapCreateError('EINVAL', `a value of ${type.name} has ${type.size} bytes, not ${attrs.valueSize}`);
    super(context, attrs, context.layout.bpf_map.sizeof + 64);
    this.#context = context;
    this.#of = type;
    this.#user = this.areaAlloc(type.size);
    this.#kernel = this.areaAlloc(type.size);
  }
  protected override get hostState(): readonly object[] {
    return [this.#progs, this.#images, this.#now];
  }
  /** The structure, in guest memory. */
  get ops(): Addr {
    return this.#kernel + this.#of.data;
  }
  get #hasLink(): boolean {
    return (this.flags & BPF_F_LINK) !== 0;
  }
  /** It was filled, and a link may register it. */
  get isReady(): boolean {
    return this.#hasLink && this.#now.state === STATE.READY;
  }
  get #registry(): OpsRegistry | undefined {
    return this.#context.structOps.registry(this.#of.name);
  }

  /** Lets a link register it. @throws KernelError */
  register(): void {
    const registry = this.#registry;
    if (registry === undefined) throw new KernelError('EOPNOTSUPP', `${this.#of.name} is for test runs alone`);
    registry.add(this.ops, this.#owner);
  }
  unregister(): void {
    this.#registry?.remove(this.ops);
  }
  /** Takes the place of another's structure. @throws KernelError */
  replace(old: StructOpsMap): void {
    if (old.#of.id !== this.#of.id) throw new KernelError('EINVAL', `${old.describe()} is of another structure`);
    const registry = this.#registry;
    if (registry === undefined) throw new KernelError('EOPNOTSUPP', `${this.#of.name} is never replaced`);
    registry.replace(this.ops, old.ops, this.#owner);
  }

  override lookupUser(key: Addr): Uint8Array | number {
    const { memory } = this.host;
    if (memory.readU32(key) !== 0) return -ERRNO.ENOENT;
    const bytes = memory.readBytes(this.#user, this.valueSize);
    if (this.#now.state === STATE.INIT) return bytes.fill(0);
    const view = new DataView(bytes.buffer, bytes.byteOffset);
    view.setInt32(this.#of.state, this.#now.state, true);
    view.setInt32(this.#of.refcnt, this.#now.users, true);
    return bytes;
  }
  override updateUser(key: Addr, value: Addr, flags: number): number {
    const { memory } = this.host;
    if (flags !== 0) return -ERRNO.EINVAL;
    if (memory.readU32(key) !== 0) return -ERRNO.E2BIG;
    const given = memory.readBytes(value, this.valueSize);
    if (!this.#isWhole(given)) return -ERRNO.EINVAL;
    if (this.#now.state !== STATE.INIT) return -ERRNO.EBUSY;
    memory.writeBytes(this.#user, given);
    try {
      for (const [index, member] of this.#of.members.entries()) this.#fill(index, member, given);
      this.#registry?.validate(this.ops);
      if (this.#hasLink) this.#now.state = STATE.READY;
      else {
        this.register();
        this.#now.state = STATE.INUSE;
        this.#owner.get();
      }
      return 0;
    } catch (error) {
      this.#empty();
      if (error instanceof KernelError) return -ERRNO[error.errno];
      throw error;
    }
  }
  /** Nothing is set that is the kernel's, nor between the members. */
  #isWhole(given: Uint8Array): boolean {
    const { data, dataSize, members, state, refcnt } = this.#of;
    const rest = given.slice();
    // the state and the count are looked at apart, and are to be zero, too
    if (!isZero(given.subarray(state, state + 4)) || !isZero(given.subarray(refcnt, refcnt + 4))) return false;
    for (const { offset, size } of members) rest.fill(0, data + offset, data + offset + size);
    rest.fill(0, data + dataSize);
    return isZero(rest);
  }
  /** A member of the kernel's copy. @throws KernelError, and what a bad descriptor throws */
  #fill(index: number, { name, offset, size, func, isOwner }: OpsMember, given: Uint8Array): void {
    const { memory } = this.host;
    const { id, row, data } = this.#of;
    const at = data + offset;
    const bytes = given.subarray(at, at + size);
    const refuse = (why: string): never => {
      throw new KernelError('EINVAL', `${this.#of.name}.${name}: ${why}`);
    };
    const take = row.values[name];
    if (take) {
      const taken = take(bytes) ?? refuse('the kernel does not take this value');
      memory.writeBytes(this.#kernel + at, taken);
      return;
    }
    if (func === undefined || isOwner) {
      if (!isZero(bytes)) refuse('only functions may be set');
      return;
    }
    const fd = memory.readS32(this.#user + at);
    if (fd === 0) return;
    const prog = this.#context.objects.prog(fd);
    const fits = prog.type === BPF_PROG_TYPE.STRUCT_OPS && prog.attachBtfId === id;
    if (!fits || prog.expectedAttachType !== index) refuse('the program was loaded for something else');
    prog.get();
    this.#progs.push(prog);
    const image = this.#context.structOps.image(prog, func);
    this.#images.push(image);
    memory.writeAddr(this.#kernel + at, image);
    memory.writeAddr(this.#user + at, prog.id);
  }
  #empty(): void {
    const { memory } = this.host;
    for (const image of this.#images.splice(0)) this.#context.structOps.free(image);
    for (const prog of this.#progs.splice(0)) prog.put();
    for (const at of [this.#user, this.#kernel]) memory.fillBytes(at, 0, this.valueSize);
  }
  override delete(key: Addr): number {
    if (this.#hasLink) return -ERRNO.EOPNOTSUPP;
    if (this.host.memory.readU32(key) !== 0) return -ERRNO.ENOENT;
    if (this.#now.state === STATE.TOBEFREE) return -ERRNO.EINPROGRESS;
    if (this.#now.state !== STATE.INUSE) return -ERRNO.ENOENT;
    this.#now.state = STATE.TOBEFREE;
    this.unregister();
    this.#owner.put();
    return 0;
  }
  override nextKey(key: Addr, next: Addr): number {
    const { memory } = this.host;
    if (key !== 0 && memory.readU32(key) === 0) return -ERRNO.ENOENT;
    memory.writeU32(next, 0);
    return 0;
  }
  protected override free(): void {
    this.#empty();
  }
}
