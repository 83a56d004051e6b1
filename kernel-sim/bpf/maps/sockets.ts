/**
 * Sockets by index or key: BPF_MAP_TYPE_SOCKMAP, SOCKHASH and REUSEPORT_SOCKARRAY (Linux 6.12
 * Documentation/bpf/map_sockmap.rst). User space stores descriptors and reads cookies; programs get the socket itself.
 */
import type { Addr } from '../../../src/machine/addr.ts';
import { BPF_EXIST, BPF_MAP_TYPE, BPF_NOEXIST } from '../../../src/uapi/index.ts';
import { ERRNO } from '../../core/errno.ts';
import type { SockMapProgs } from '../../net/psock.ts';
import { BpfMap, type MapAttrs, type MapContext } from './map.ts';

export class SockMap extends BpfMap {
  readonly #context: MapContext;
  /** by the key's bytes, in the order in which they came */
  readonly #sockets = new Map<string, Addr>();
  readonly #forget: () => void;
  /** what its sockets send and receive goes through */
  readonly progs: SockMapProgs = { msg: 0, parser: 0, verdict: 0, skbVerdict: 0 };
  constructor(context: MapContext, attrs: MapAttrs) {
    super(context, attrs, context.layout.bpf_map.sizeof + 64);
    this.#context = context;
    // sock_map_unhash() and _close(): a socket that goes leaves its maps
    this.#forget = this.host.onFree((sk) => {
      for (const [key, held] of this.#sockets) if (held === sk) this.#sockets.delete(key);
    });
  }
  protected override get hostState(): readonly object[] {
    return [this.#sockets, this.progs];
  }
  #left(sk: Addr): void {
    if (![...this.#sockets.values()].includes(sk)) this.host.psocks.leave(sk);
  }
  get #isHash(): boolean {
    return this.type === BPF_MAP_TYPE.SOCKHASH;
  }
  get #isReuseport(): boolean {
    return this.type === BPF_MAP_TYPE.REUSEPORT_SOCKARRAY;
  }
  #key(at: Addr): string {
    return String.fromCharCode(...this.host.memory.readBytes(at, this.keySize));
  }
  #isBeyond(key: Addr): boolean {
    return !this.#isHash && this.host.memory.readU32(key) >= this.maxEntries;
  }
  /** Keys with their sockets. */
  entries(): readonly (readonly [key: Uint8Array, sk: Addr])[] {
    return [...this.#sockets].map(([key, sk]) => [Uint8Array.from(key, (c) => c.charCodeAt(0)), sk]);
  }
  /** The socket of a key; 0 where there is none. */
  socket(key: Addr): Addr {
    return this.#isBeyond(key) ? 0 : (this.#sockets.get(this.#key(key)) ?? 0);
  }
  /** The socket at an index; 0 where there is none. */
  socketOf(index: number): Addr {
    return (
      this.#sockets.get(String.fromCharCode(index & 0xff, (index >> 8) & 0xff, (index >> 16) & 0xff, index >>> 24)) ?? 0
    );
  }
  /** `sock_map_update_common`, `sock_hash_update_common`, `bpf_fd_reuseport_array_update_elem`: 0 or -errno */
  store(key: Addr, sk: Addr, flags: number): number {
    if (flags > BPF_EXIST) return -ERRNO.EINVAL;
    if (this.#isBeyond(key)) return -ERRNO.E2BIG;
    const at = this.#key(key);
    const has = this.#sockets.has(at);
    if (has && flags === BPF_NOEXIST) return -ERRNO.EEXIST;
    if (!has && flags === BPF_EXIST) return -ERRNO.ENOENT;
    if (!has && this.#isHash && this.#sockets.size >= this.maxEntries) return -ERRNO.E2BIG;
    const before = this.#sockets.get(at);
    this.#sockets.set(at, sk);
    if (before !== undefined && before !== sk) this.#left(before);
    if (!this.#isReuseport) this.host.psocks.join(sk, this.progs);
    return 0;
  }
  override lookup(key: Addr): Addr {
    return this.socket(key);
  }
  override update(key: Addr, value: Addr, flags: number): number {
    // programs give the socket itself
    return this.store(key, value, flags);
  }
  /** The socket's cookie, where there is room for one. */
  override lookupUser(key: Addr): Uint8Array | number {
    if (this.valueSize !== 8) return -ERRNO.ENOSPC;
    const sk = this.socket(key);
    if (sk === 0) return -ERRNO.ENOENT;
    const out = new Uint8Array(8);
    new DataView(out.buffer).setBigUint64(0, this.host.socketCookie(sk), true);
    return out;
  }
  override updateUser(key: Addr, value: Addr, flags: number): number {
    const { memory } = this.host;
    if (this.#isReuseport && flags > BPF_EXIST) return -ERRNO.EINVAL;
    if (this.#isReuseport && this.#isBeyond(key)) return -ERRNO.E2BIG;
    const fd = this.valueSize === 8 ? Number(memory.readU64(value)) : memory.readU32(value);
    if (fd > 0x7fff_ffff) return -ERRNO.EINVAL;
    const { addr } = this.#context.objects.socket(fd);
    return this.store(key, addr, flags);
  }
  override delete(key: Addr): number {
    if (this.#isBeyond(key)) return this.#isReuseport ? -ERRNO.E2BIG : -ERRNO.EINVAL;
    const before = this.#sockets.get(this.#key(key));
    if (this.#sockets.delete(this.#key(key))) {
      if (before !== undefined) this.#left(before);
      return 0;
    }
    return this.type === BPF_MAP_TYPE.SOCKMAP ? -ERRNO.EINVAL : -ERRNO.ENOENT;
  }
  override nextKey(key: Addr, next: Addr): number {
    const { memory } = this.host;
    if (this.#isHash) {
      const keys = [...this.#sockets.keys()];
      const after = keys[key === 0 ? 0 : keys.indexOf(this.#key(key)) + 1];
      if (after === undefined) return -ERRNO.ENOENT;
      memory.writeBytes(
        next,
        Uint8Array.from(after, (c) => c.charCodeAt(0)),
      );
      return 0;
    }
    const index = key === 0 ? -1 : memory.readU32(key);
    if (index >= this.maxEntries || index < 0) memory.writeU32(next, 0);
    else if (index === this.maxEntries - 1) return -ERRNO.ENOENT;
    else memory.writeU32(next, index + 1);
    return 0;
  }
  protected override free(): void {
    this.#forget();
    if (!this.#isReuseport) for (const sk of this.#sockets.values()) this.host.psocks.leave(sk);
    this.#sockets.clear();
  }
}
