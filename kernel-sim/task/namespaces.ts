/**
 * Namespaces (namespaces(7); kernel/nsproxy.c, Linux 6.12): what a task's `nsproxy` points to, and the user namespace of
 * its credentials. Each counts who refers to it, in `ns.count` and `nsproxy.count`, and goes with the last of them.
 */
import type { Addr } from '../../src/machine/addr.ts';
import { encodeUtf8 } from '../../src/platform/index.ts';
import { NAMESPACE_KINDS, NAMESPACES, type NamespaceKind } from '../../src/uapi/namespaces.ts';
import { GuestStruct } from '../core/guest-struct.ts';
import { capture, reinstate } from '../core/state.ts';
import { RELEASE, VERSION } from '../data/release.ts';
import type { TextFloor } from '../floors/text.ts';

/** PROC_DYNAMIC_FIRST: inode numbers of proc that are given out (fs/proc/generic.c) */
const DYNAMIC_FIRST = 0xf000_0000;
/** the first of those that a system which has booted has left: proc's own files took the ones below */
const FIRST_FREE = DYNAMIC_FIRST + 311;
/** files that proc has of a network namespace, with numbers of their own: net, stat, and those of protocols */
const FILES_OF_NET = 51;
/** `init_user_ns` and its kin hold themselves */
const STATIC_COUNT = 1;
const UTS = {
  sysname: 'Linux',
  nodename: '(none)',
  release: RELEASE,
  version: VERSION,
  machine: 'x86_64',
  domainname: '(none)',
};

export class Namespaces {
  readonly #kernel: TextFloor;
  /** `init_nsproxy`, 0 before the first task */
  #proxy: Addr = 0;
  /** the first of each kind */
  readonly #first = new Map<NamespaceKind, Addr>();
  readonly #kinds = new Map<Addr, NamespaceKind>();
  /** the number that a pid namespace gave out last */
  readonly #lastPid = new Map<Addr, number>();
  /** inode numbers that are taken, and by whom */
  readonly #inodes = new Map<number, Addr>();
  #cookie = 1;

  constructor(kernel: TextFloor) {
    this.#kernel = kernel;
  }
  save() {
    return capture({
      ...{ proxy: this.#proxy, first: this.#first, kinds: this.#kinds },
      ...{ lastPid: this.#lastPid, inodes: this.#inodes, cookie: this.#cookie },
    });
  }
  restore(state: ReturnType<Namespaces['save']>): void {
    const { proxy, cookie } = reinstate(state);
    this.#proxy = proxy;
    this.#cookie = cookie;
  }

  /** `init_nsproxy` and the namespaces that it points to. */
  get init(): Addr {
    if (this.#proxy !== 0) return this.#proxy;
    const proxy = this.#make('nsproxy', 'init_nsproxy').set('count', STATIC_COUNT);
    this.#proxy = proxy.at;
    for (const kind of NAMESPACE_KINDS) {
      const { struct, symbol, inode, fields } = NAMESPACES[kind];
      const ns = this.#make(struct, symbol).set('ns.inum', inode).set('ns.count', STATIC_COUNT);
      this.#first.set(kind, ns.at);
      this.#kinds.set(ns.at, kind);
      for (const field of fields) proxy.set(field, ns.at);
    }
    for (const kind of NAMESPACE_KINDS)
      if (kind !== 'user') this.#of(kind, this.first(kind)).set('user_ns', this.first('user'));
    const uts = this.#of('uts', this.first('uts'));
    for (const [field, text] of Object.entries(UTS)) this.#text(uts.addressOf(`name.${field}`), text);
    this.#of('net', this.first('net')).setBig('net_cookie', BigInt(this.#cookie));
    return this.#proxy;
  }
  /** The initial namespace of a kind. */
  first(kind: NamespaceKind): Addr {
    void this.init;
    return this.#first.get(kind) as Addr;
  }
  /** The kind of the namespace at an address; undefined where there is none. */
  kindOf(ns: Addr): NamespaceKind | undefined {
    return this.#kinds.get(ns);
  }
  /** its inode number, as /proc/PID/ns shows it */
  inode(ns: Addr): number {
    return this.#of(this.#kinds.get(ns) ?? 'pid', ns).get('ns.inum');
  }
  /** What a kind's field of a `struct nsproxy` points to. */
  in(proxy: Addr, kind: Exclude<NamespaceKind, 'user'>): Addr {
    return new GuestStruct(this.#kernel, 'nsproxy', proxy).get(NAMESPACES[kind].fields[0] as string);
  }

  /** create_nsproxy(), then a copy of another's pointers: it refers to the same namespaces. */
  copyProxy(from: Addr): Addr {
    const { memory, structs, slab } = this.#kernel;
    const { size } = structs.of('nsproxy');
    const at = slab.kmalloc(size);
    memory.writeBytes(at, memory.readBytes(from, size));
    const proxy = new GuestStruct(this.#kernel, 'nsproxy', at).set('count', 1);
    for (const field of FIELDS) this.get(proxy.get(field));
    return at;
  }
  /** A `struct nsproxy` has another namespace in a field from now on, whose reference it takes over. */
  put(proxy: Addr, field: string, ns: Addr): void {
    const of = new GuestStruct(this.#kernel, 'nsproxy', proxy);
    const old = of.get(field);
    of.set(field, ns);
    this.drop(old);
  }
  getProxy(proxy: Addr): Addr {
    this.#count(new GuestStruct(this.#kernel, 'nsproxy', proxy), 'count', 1);
    return proxy;
  }
  /** put_nsproxy(): free_nsproxy() with the last. */
  dropProxy(proxy: Addr): void {
    const of = new GuestStruct(this.#kernel, 'nsproxy', proxy);
    if (this.#count(of, 'count', -1) > 0 || proxy === this.#proxy) return;
    for (const field of FIELDS) this.drop(of.get(field));
    this.#kernel.slab.kfree(proxy);
  }

  get(ns: Addr): Addr {
    this.#count(this.#of(this.#kinds.get(ns) ?? 'pid', ns), 'ns.count', 1);
    return ns;
  }
  drop(ns: Addr): void {
    const kind = this.#kinds.get(ns);
    if (kind === undefined) return;
    const of = this.#of(kind, ns);
    if (this.#count(of, 'ns.count', -1) > 0 || ns === this.#first.get(kind)) return;
    for (const [inode, owner] of this.#inodes) if (owner === ns) this.#inodes.delete(inode);
    const above = NAMESPACES[kind].nested ? of.get('parent') : 0;
    const user = kind === 'user' ? 0 : of.get('user_ns');
    this.#kinds.delete(ns);
    this.#lastPid.delete(ns);
    this.#kernel.slab.kfree(ns);
    if (above !== 0) this.drop(above);
    if (user !== 0) this.drop(user);
  }
  /** A new namespace: a copy of what `from` says, in a user namespace, which owns it; a nested kind is below `from`. */
  clone(kind: NamespaceKind, from: Addr, user: Addr): Addr {
    const { struct, nested } = NAMESPACES[kind];
    const ns = this.#make(struct, undefined).set('ns.count', 1);
    ns.set('ns.inum', this.#inode(ns.at));
    for (let n = 0; kind === 'net' && n < FILES_OF_NET; n++) this.#inode(ns.at);
    this.#kinds.set(ns.at, kind);
    if (kind !== 'user') ns.set('user_ns', this.get(user));
    if (nested) ns.set('parent', this.get(from)).set('level', this.#of(kind, from).get('level') + 1);
    if (kind === 'net') ns.setBig('net_cookie', BigInt(++this.#cookie));
    if (kind === 'uts') {
      const { memory, structs } = this.#kernel;
      const name = this.#of('uts', from).addressOf('name');
      memory.writeBytes(ns.addressOf('name'), memory.readBytes(name, structs.of('new_utsname').size));
    }
    return ns.at;
  }
  /** sethostname(2), setdomainname(2) */
  rename(uts: Addr, field: 'nodename' | 'domainname', name: Uint8Array): void {
    const { memory, structs } = this.#kernel;
    const room = structs.member('new_utsname', field).size;
    const bytes = new Uint8Array(room);
    bytes.set(name.subarray(0, room - 1));
    memory.writeBytes(this.#of('uts', uts).addressOf(`name.${field}`), bytes);
  }

  /** alloc_pid(): `struct pid` with a number in the namespace and in each above it; `nr` in the initial one, elsewhere those of `old`. */
  pid(nr: number, ns = this.first('pid'), old: Addr = 0): Addr {
    const { structs, memory, slab } = this.#kernel;
    const [layout, upid] = [structs.of('pid'), structs.of('upid')];
    const level = this.#of('pid', ns).get('level');
    const at = slab.kmalloc(layout.size + (level + 1) * upid.size);
    memory.writeU32(at + layout.offset('count'), 1);
    memory.writeU32(at + layout.offset('level'), level);
    for (let [n, of] = [level, ns]; n >= 0; n--) {
      const number = at + layout.offset('numbers') + n * upid.size;
      const next = n === 0 ? nr : (old && this.number(old, of)) || (this.#lastPid.get(of) ?? 0) + 1;
      if (n > 0) this.#lastPid.set(of, Math.max(next, this.#lastPid.get(of) ?? 0));
      memory.writeU32(number + upid.offset('nr'), next);
      memory.writeAddr(number + upid.offset('ns'), n === level ? this.get(of) : of);
      if (n > 0) of = this.#of('pid', of).get('parent');
    }
    return at;
  }
  /** put_pid() */
  freePid(pid: Addr): void {
    const ns = this.active(pid);
    this.#kernel.slab.kfree(pid);
    this.drop(ns);
  }
  /** task_active_pid_ns(): the namespace of the deepest number of a `struct pid`. */
  active(pid: Addr): Addr {
    const { memory, structs } = this.#kernel;
    return memory.readAddr(this.#upid(pid, this.level(pid)) + structs.of('upid').offset('ns'));
  }
  level(pid: Addr): number {
    return this.#kernel.memory.readU32(pid + this.#kernel.structs.of('pid').offset('level'));
  }
  /** pid_nr_ns(): its number in a namespace, 0 where it has none there. */
  number(pid: Addr, ns: Addr): number {
    const { memory, structs } = this.#kernel;
    const level = this.#of('pid', ns).get('level');
    if (level > this.level(pid)) return 0;
    const at = this.#upid(pid, level);
    return memory.readAddr(at + structs.of('upid').offset('ns')) === ns
      ? memory.readU32(at + structs.of('upid').offset('nr'))
      : 0;
  }
  #upid(pid: Addr, level: number): Addr {
    const { structs } = this.#kernel;
    return pid + structs.of('pid').offset('numbers') + level * structs.of('upid').size;
  }

  /** proc_alloc_inum(): the lowest that is free. */
  #inode(owner: Addr): number {
    let inode = FIRST_FREE;
    while (this.#inodes.has(inode)) inode++;
    this.#inodes.set(inode, owner);
    return inode;
  }
  #of(kind: NamespaceKind, at: Addr): GuestStruct {
    return new GuestStruct(this.#kernel, NAMESPACES[kind].struct, at);
  }
  #count(of: GuestStruct, field: string, more: number): number {
    const left = of.get(field) + more;
    of.set(field, left);
    return left;
  }
  #text(at: Addr, text: string): void {
    this.#kernel.memory.writeBytes(at, encodeUtf8(`${text}\0`));
  }
  /** Zeroed, in its own data symbol where it has one. */
  #make(struct: string, symbol: string | undefined): GuestStruct {
    const { symbols, slab, structs } = this.#kernel;
    const at = symbol === undefined ? undefined : symbols.address(symbol);
    return new GuestStruct(
      this.#kernel,
      struct,
      at !== undefined && at < 0 ? at : slab.kmalloc(structs.of(struct).size),
    );
  }
}

const FIELDS = NAMESPACE_KINDS.flatMap((kind) => NAMESPACES[kind].fields);
