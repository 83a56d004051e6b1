/** Which dentry a path has, by the path's bytes: what rcu-walk finds without a look at the names between the slashes. */
import type { Addr } from '../../src/machine/addr.ts';

/** places in the table, a power of two; a path is in one of {@link WAYS} behind its hash */
const PLACES = 8192;
const WAYS = 4;
/** longer paths are looked up each time */
const MAX_PATH = 256;

/** FNV-1a, 32 bits; a path's hash begins with {@link PATH_HASH} */
export const PATH_HASH = 0x811c9dc5 | 0;
export const hashByte = (hash: number, byte: number): number => Math.imul(hash ^ byte, 0x01000193);

export class KnownPaths {
  readonly #u8: Uint8Array;
  readonly #hashes = new Int32Array(PLACES);
  readonly #paths: (Uint8Array | undefined)[] = new Array<Uint8Array | undefined>(PLACES).fill(undefined);
  readonly #dentries = new Float64Array(PLACES);
  #turn = 0;

  /** `u8`: guest memory, where paths lie */
  constructor(u8: Uint8Array) {
    this.#u8 = u8;
  }
  save() {
    const paths: [place: number, hash: number, path: Uint8Array, dentry: Addr][] = [];
    this.#paths.forEach((path, n) => {
      if (path) paths.push([n, this.#hashes[n] as number, path, this.#dentries[n] as number]);
    });
    return { paths, turn: this.#turn };
  }
  restore({ paths, turn }: ReturnType<KnownPaths['save']>): void {
    this.clear();
    for (const [n, hash, path, dentry] of paths) {
      this.#hashes[n] = hash;
      this.#paths[n] = path;
      this.#dentries[n] = dentry;
    }
    this.#turn = turn;
  }

  /** The dentry of the path of `length` bytes at a physical address; 0 where it is not known. */
  find(phys: number, length: number, hash: number): Addr {
    for (let way = 0; way < WAYS; way++) {
      const place = (hash + way) & (PLACES - 1);
      if (this.#hashes[place] !== hash) continue;
      const path = this.#paths[place];
      if (path !== undefined && path.length === length && this.#same(path, phys))
        return this.#dentries[place] as number;
    }
    return 0;
  }
  #same(path: Uint8Array, phys: number): boolean {
    const u8 = this.#u8;
    for (let n = 0; n < path.length; n++) if (u8[phys + n] !== path[n]) return false;
    return true;
  }
  /** Dentries were given up. */
  clear(): void {
    this.#paths.fill(undefined);
  }
  add(phys: number, length: number, hash: number, dentry: Addr): void {
    if (length > MAX_PATH) return;
    let place = -1;
    for (let way = 0; way < WAYS && place < 0; way++) {
      const at = (hash + way) & (PLACES - 1);
      if (this.#paths[at] === undefined) place = at;
    }
    if (place < 0) place = (hash + (this.#turn++ & (WAYS - 1))) & (PLACES - 1);
    this.#hashes[place] = hash;
    this.#paths[place] = this.#u8.slice(phys, phys + length);
    this.#dentries[place] = dentry;
  }
}
