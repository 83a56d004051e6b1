/**
 * Which element of an LRU map goes: Linux 6.12 Documentation/bpf/map_hash.rst describes the lists (its
 * map_lru_hash_update.dot the whole walk). New nodes come from a CPU's local free list, wait on its pending
 * list, and go in batches to the shared active and inactive lists; with BPF_F_NO_COMMON_LRU each CPU has
 * active and inactive lists of its own.
 *
 * Nodes are element numbers; lists are rings of `next`/`prev` with a head node behind the elements.
 */

const ACTIVE = 0;
const INACTIVE = 1;
const FREE = 2;
const LOCAL_FREE = 3;
const LOCAL_PENDING = 4;

/** The most nodes that go to a CPU at a time (half of its share of a small map), and how many a rotation looks at. */
const LOCAL_FREE_TARGET = 128;
const PERCPU_FREE_TARGET = 4;

export interface LruOwner {
  /** the element's reference bit lies in guest memory, where inlined lookups set it */
  isRef(node: number): boolean;
  clearRef(node: number): void;
  /** takes the element out of its bucket; false where it is not in one */
  unlink(node: number): boolean;
}

/** One set of shared lists. */
interface Lists {
  /** head nodes of active, inactive and free */
  readonly heads: readonly [number, number, number];
  readonly counts: [number, number];
  rotation: number;
}

interface Local {
  readonly free: number;
  readonly pending: number;
  nextSteal: number;
}

export class Lru {
  readonly #owner: LruOwner;
  readonly #next: Int32Array;
  readonly #prev: Int32Array;
  readonly #type: Uint8Array;
  readonly #cpu: Uint8Array;
  readonly #common: Lists | undefined;
  readonly #percpu: Lists[] = [];
  readonly #local: Local[] = [];
  readonly #scans: number;
  readonly #freeTarget: number;
  #heads: number;

  constructor(owner: LruOwner, nodes: number, cpus: number, percpu: boolean) {
    this.#owner = owner;
    const total = nodes + 3 + cpus * 5;
    this.#next = new Int32Array(total);
    this.#prev = new Int32Array(total);
    this.#type = new Uint8Array(total).fill(FREE);
    this.#cpu = new Uint8Array(total);
    this.#heads = nodes;
    this.#freeTarget = Math.min(LOCAL_FREE_TARGET, Math.max(1, Math.floor(Math.floor(nodes / cpus) / 2)));
    this.#scans = percpu ? PERCPU_FREE_TARGET : LOCAL_FREE_TARGET;
    if (percpu) {
      const share = Math.floor(nodes / cpus);
      for (let cpu = 0; cpu < cpus; cpu++) {
        const lists = this.#lists();
        this.#percpu.push(lists);
        for (let n = cpu * share; n < (cpu + 1) * share; n++) {
          this.#cpu[n] = cpu;
          this.#add(n, lists.heads[FREE]);
        }
      }
    } else {
      this.#common = this.#lists();
      for (let n = 0; n < nodes; n++) this.#add(n, this.#common.heads[FREE]);
      for (let cpu = 0; cpu < cpus; cpu++) {
        this.#local.push({ free: this.#head(), pending: this.#head(), nextSteal: cpu });
      }
    }
  }

  /** The lists: arrays and counters that stay the same objects. */
  get hostState(): readonly object[] {
    return [this.#next, this.#prev, this.#type, this.#cpu, this.#percpu, this.#local, this.#common ?? []];
  }

  /** A node for a new element, its reference bit clear; -1 where every node is busy. */
  pop(cpu: number): number {
    const node = this.#common ? this.#popCommon(this.#common, cpu) : this.#popPercpu(cpu);
    return node;
  }

  /** The element was deleted, or was not inserted after all. */
  push(node: number): void {
    const type = this.#type[node]!;
    if (type === FREE || type === LOCAL_FREE) return;
    if (type === LOCAL_PENDING) {
      this.#type[node] = LOCAL_FREE;
      this.#owner.clearRef(node);
      this.#move(node, this.#local[this.#cpu[node]!]!.free);
      return;
    }
    this.#moveTo(this.#common ?? this.#percpu[this.#cpu[node]!]!, node, FREE);
  }

  #popCommon(shared: Lists, cpu: number): number {
    const local = this.#local[cpu]!;
    let node = this.#first(local.free);
    if (node < 0) {
      this.#refill(shared, local);
      node = this.#first(local.free);
    }
    if (node < 0) node = this.#steal(local);
    if (node < 0) return -1;
    this.#type[node] = LOCAL_PENDING;
    this.#cpu[node] = cpu;
    this.#owner.clearRef(node);
    this.#move(node, local.pending);
    return node;
  }

  #refill(shared: Lists, local: Local): void {
    for (let n = this.#prev[local.pending]!; n !== local.pending; ) {
      const before = this.#prev[n]!;
      const type = this.#owner.isRef(n) ? ACTIVE : INACTIVE;
      this.#type[n] = type;
      this.#owner.clearRef(n);
      shared.counts[type]++;
      this.#move(n, shared.heads[type]);
      n = before;
    }
    this.#rotate(shared);
    let taken = 0;
    while (taken < this.#freeTarget) {
      const n = this.#first(shared.heads[FREE]);
      if (n < 0) break;
      this.#toFree(shared, n, local.free, LOCAL_FREE);
      taken++;
    }
    if (taken < this.#freeTarget) this.#shrink(shared, this.#freeTarget - taken, local.free, LOCAL_FREE);
  }

  #steal(local: Local): number {
    const start = local.nextSteal;
    let from = start;
    let node = -1;
    do {
      const victim = this.#local[from]!;
      node = this.#first(victim.free);
      if (node < 0) node = this.#popPending(victim);
      from = (from + 1) % this.#local.length;
    } while (node < 0 && from !== start);
    local.nextSteal = from;
    return node;
  }

  #popPending(local: Local): number {
    for (const force of [false, true]) {
      for (let n = this.#prev[local.pending]!; n !== local.pending; n = this.#prev[n]!) {
        if ((force || !this.#owner.isRef(n)) && this.#owner.unlink(n)) return n;
      }
    }
    return -1;
  }

  #popPercpu(cpu: number): number {
    const lists = this.#percpu[cpu]!;
    this.#rotate(lists);
    const free = lists.heads[FREE];
    if (this.#next[free] === free) this.#shrink(lists, PERCPU_FREE_TARGET, free, FREE);
    const node = this.#first(free);
    if (node < 0) return -1;
    this.#owner.clearRef(node);
    this.#moveTo(lists, node, INACTIVE);
    return node;
  }

  #rotate(lists: Lists): void {
    if (lists.counts[INACTIVE] < lists.counts[ACTIVE]) this.#rotateActive(lists);
    this.#rotateInactive(lists);
  }

  #rotateActive(lists: Lists): void {
    const head = lists.heads[ACTIVE];
    const first = this.#next[head]!;
    let scanned = 0;
    for (let n = this.#prev[head]!; n !== head; ) {
      const before = this.#prev[n]!;
      this.#moveTo(lists, n, this.#owner.isRef(n) ? ACTIVE : INACTIVE);
      if (++scanned === this.#scans || n === first) break;
      n = before;
    }
  }

  #rotateInactive(lists: Lists): void {
    const head = lists.heads[INACTIVE];
    if (this.#next[head] === head) return;
    let last = this.#next[lists.rotation]!;
    if (last === head) last = this.#next[last]!;
    let cur = lists.rotation;
    let next = head;
    for (let scanned = 0; scanned < this.#scans; ) {
      if (cur === head) {
        cur = this.#prev[cur]!;
        continue;
      }
      next = this.#prev[cur]!;
      if (this.#owner.isRef(cur)) this.#moveTo(lists, cur, ACTIVE);
      if (cur === last) break;
      cur = next;
      scanned++;
    }
    lists.rotation = next;
  }

  #shrink(lists: Lists, target: number, freeHead: number, freeType: number): void {
    const inactive = lists.heads[INACTIVE];
    let freed = 0;
    let scanned = 0;
    for (let n = this.#prev[inactive]!; n !== inactive; ) {
      const before = this.#prev[n]!;
      if (this.#owner.isRef(n)) {
        this.#moveTo(lists, n, ACTIVE);
      } else if (this.#owner.unlink(n)) {
        this.#toFree(lists, n, freeHead, freeType);
        if (++freed === target) break;
      }
      if (++scanned === this.#scans) break;
      n = before;
    }
    if (freed > 0) return;
    const head = this.#next[inactive] !== inactive ? inactive : lists.heads[ACTIVE];
    for (let n = this.#prev[head]!; n !== head; n = this.#prev[n]!) {
      if (this.#owner.unlink(n)) {
        this.#toFree(lists, n, freeHead, freeType);
        return;
      }
    }
  }

  #moveTo(lists: Lists, node: number, type: number): void {
    if (lists.rotation === node) lists.rotation = this.#prev[node]!;
    const old = this.#type[node]!;
    if (old !== type) {
      if (old === ACTIVE || old === INACTIVE) lists.counts[old]--;
      if (type === ACTIVE || type === INACTIVE) lists.counts[type]++;
      this.#type[node] = type;
    }
    this.#owner.clearRef(node);
    this.#move(node, lists.heads[type]!);
  }

  #toFree(lists: Lists, node: number, freeHead: number, freeType: number): void {
    if (lists.rotation === node) lists.rotation = this.#prev[node]!;
    const old = this.#type[node]!;
    if (old === ACTIVE || old === INACTIVE) lists.counts[old]--;
    this.#type[node] = freeType;
    this.#move(node, freeHead);
  }

  #lists(): Lists {
    const heads = [this.#head(), this.#head(), this.#head()] as const;
    return { heads, counts: [0, 0], rotation: heads[INACTIVE] };
  }
  #head(): number {
    const head = this.#heads++;
    this.#next[head] = head;
    this.#prev[head] = head;
    return head;
  }
  /** First node behind a head, -1 where the list is empty. */
  #first(head: number): number {
    const n = this.#next[head]!;
    return n === head ? -1 : n;
  }
  #add(node: number, head: number): void {
    const after = this.#next[head]!;
    this.#next[head] = node;
    this.#prev[node] = head;
    this.#next[node] = after;
    this.#prev[after] = node;
  }
  #move(node: number, head: number): void {
    const before = this.#prev[node]!;
    const after = this.#next[node]!;
    this.#next[before] = after;
    this.#prev[after] = before;
    this.#add(node, head);
  }
}
