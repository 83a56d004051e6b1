/** Which structure of the program's a record is: by its size, and by what the program fills of it. */
import { type Btf, type BtfComposite, BtfError } from '../../btf/index.ts';
import { type DebugTypes, debugTypes, type ObjectModel } from '../../object/index.ts';
import { inferStruct } from './infer.ts';
import { type Stores, storesOf } from './stores.ts';

/** A perf event's data are padded so that with their length, 4 bytes, they are a multiple of 8 (perf_event_open(2), PERF_SAMPLE_RAW). */
const padded = (size: number): number => Math.ceil((size + 4) / 8) * 8 - 4;

/** a store that meets no member weighs against so many that do */
const MISS = 4;
/** what speaks against a structure of the kernel's, and for one that a map holds, where the size alone does not tell */
const KERNELS = 1000;
const MAP_VALUE = 100;
const LIKELY = /(?:^|_)(?:event|evt|data|record|rec|info|msg|sample|entry)(?:_t)?$|event/i;

/** Where a structure's members lie, those of nested ones and of arrays too. */
interface Places {
  /** `offset:size` of each */
  readonly members: Set<string>;
  /** bytes at which one begins or ends: clang merges stores to neighbours into one, from edge to edge */
  readonly edges: Set<number>;
}

/** array elements that are looked into */
const ELEMENTS = 64;
const DEPTH = 8;

function placesOf(btf: Btf, type: BtfComposite): Places {
  const places: Places = { members: new Set(), edges: new Set([type.size]) };
  addMembers(btf, type, 0, places, 0);
  return places;
}
function addMembers(btf: Btf, type: BtfComposite, base: number, places: Places, depth: number): void {
  for (const m of type.members) {
    const bits = m.bitfieldSize;
    const at = base + m.bitOffset / 8;
    // of bitfields, those that begin or end on a byte
    places.edges.add(at).add(bits > 0 ? at + bits / 8 : at + sizeOf(btf, m.type));
    if (bits > 0) continue;
    places.members.add(`${at}:${sizeOf(btf, m.type)}`);
    addInner(btf, m.type, at, places, depth + 1);
  }
}
function addInner(btf: Btf, id: number, at: number, places: Places, depth: number): void {
  if (depth > DEPTH) return;
  const inner = btf.resolve(id);
  if (inner.kind === 'struct' || inner.kind === 'union') addMembers(btf, inner, at, places, depth);
  if (inner.kind !== 'array') return;
  const each = sizeOf(btf, inner.type);
  for (let n = 0; each > 0 && n < Math.min(inner.length, ELEMENTS); n++) {
    places.edges.add(at + n * each).add(at + (n + 1) * each);
    addInner(btf, inner.type, at + n * each, places, depth + 1);
  }
}

function sizeOf(btf: Btf, id: number): number {
  try {
    return btf.sizeOf(id);
  } catch (error) {
    if (error instanceof BtfError) return 0;
    throw error;
  }
}

/** A structure in the BTF that has it. */
export interface RecordType {
  readonly btf: Btf;
  readonly type: BtfComposite;
}

interface Candidate extends RecordType {
  /** its own, or of the typedef of a structure without one */
  readonly name: string;
  readonly places: Places;
}

/** A flexible array, of which a record has as many elements as it was sent with. */
function endsFlexibly({ btf, type }: RecordType): boolean {
  const last = type.members.at(-1);
  const end = last && btf.resolve(last.type);
  return end?.kind === 'array' && end.length === 0;
}

/** Guesses for one object; the answer for a map and a size is remembered. */
export class RecordTypes {
  readonly #btf: Btf;
  readonly #model: ObjectModel;
  readonly #known = new Map<string, RecordType | undefined>();
  /** structures of the kernel's, which CO-RE relocates accesses to */
  readonly #kernels: ReadonlySet<number>;
  /** structures that maps hold: a record too large for the stack is put together in one */
  readonly #mapValues: ReadonlySet<number>;
  #stores: ReadonlyMap<string, Stores> | undefined;
  #candidates: readonly Candidate[] | undefined;
  #debugged: readonly Candidate[] | undefined;

  constructor(model: ObjectModel, btf: Btf) {
    this.#model = model;
    this.#btf = btf;
    const core = [...(model.btfExt?.core.values() ?? [])].flat();
    this.#kernels = new Set(core.map(({ typeId }) => btf.resolve(typeId).id));
    this.#mapValues = new Set(model.maps.flatMap((m) => (m.btfValue === 0 ? [] : [btf.resolve(m.btfValue).id])));
  }

  /** The structures of the program by name, for messages. */
  get names(): string[] {
    return [...this.#all, ...this.#debug].map(({ name }) => name);
  }

  /** typedefs of structures without names */
  get #aliases(): ReadonlyMap<number, string> {
    const out = new Map<number, string>();
    for (const t of this.#btf.types())
      if (t.kind === 'typedef' && this.#btf.typeById(t.type).kind === 'struct') out.set(t.type, t.name);
    return out;
  }

  get #all(): readonly Candidate[] {
    if (this.#candidates) return this.#candidates;
    const aliases = this.#aliases;
    // structures that define maps are no records
    const section = [...this.#btf.types()].find((t) => t.kind === 'datasec' && t.name === '.maps');
    const maps = new Set(section?.kind === 'datasec' ? section.vars.map((v) => this.#btf.resolve(v.type).id) : []);
    const wanted = [...this.#btf.types()].filter(
      (t): t is BtfComposite =>
        t.kind === 'struct' && t.size > 0 && !maps.has(t.id) && (t.name !== '' || aliases.has(t.id)),
    );
    this.#candidates = wanted.map((type) => ({
      btf: this.#btf,
      type,
      name: type.name || (aliases.get(type.id) ?? ''),
      places: placesOf(this.#btf, type),
    }));
    return this.#candidates;
  }

  /** Structures that only .debug_info names, which takes long to read where vmlinux.h is in it. */
  get #debug(): readonly Candidate[] {
    if (this.#debugged) return this.#debugged;
    const told = debugTypes(this.#model.elf);
    this.#debugged = (told?.ids ?? []).flatMap((id) => {
      const { btf } = told as DebugTypes;
      const type = btf.resolve(id);
      if (type.kind !== 'struct' || type.size === 0) return [];
      return [{ btf, type, name: btf.typeById(id).name, places: placesOf(btf, type) }];
    });
    return this.#debugged;
  }

  /** The structure of that name. @returns undefined where the program has none */
  named(name: string): RecordType | undefined {
    const plain = name.replace(/^struct\s+/, '');
    const has = (c: Candidate): boolean => c.name === plain;
    return this.#all.find(has) ?? this.#debug.find(has);
  }

  /**
   * The structure of a record of so many bytes that came through a map: one of the program's, or else one made of its stores.
   * @param isPerf the record may end in padding
   */
  of(map: string, length: number, isPerf: boolean): RecordType | undefined {
    const key = `${map} ${length}`;
    if (!this.#known.has(key)) this.#known.set(key, this.#make(map, length, isPerf));
    return this.#known.get(key);
  }

  #make(map: string, length: number, isPerf: boolean): RecordType | undefined {
    this.#stores ??= storesOf(this.#model);
    const stores = this.#stores.get(map);
    const found = this.#guess(this.#all, stores, length, isPerf);
    if (found && !this.#kernels.has(found.type.id)) return found;
    const told = this.#guess(this.#debug, stores, length, isPerf) ?? found;
    if (told) return told;
    const made = inferStruct(stores?.fills.values() ?? [], length);
    const inferred = made?.btf.typeById(made.id);
    return made && inferred?.kind === 'struct' ? { btf: made.btf, type: inferred } : undefined;
  }

  #guess(
    all: readonly Candidate[],
    stores: Stores | undefined,
    length: number,
    isPerf: boolean,
  ): RecordType | undefined {
    const fits = (size: number): boolean => size === length || (isPerf && padded(size) === length);
    const filled = (stores?.fills.size ?? 0) > 0;
    const likely = all.filter((c) => !filled || this.#score(c, stores) > 0);
    const exact = this.#best(
      likely.filter(({ type }) => fits(type.size)),
      stores,
    );
    if (exact || !filled) return exact;
    // shorter or longer than any: a flexible array at the end, or a buffer of which only a part was sent
    const end = Math.max(...[...(stores?.fills.values() ?? [])].map(({ at, size }) => at + size));
    if (end > length) return undefined;
    const shorter = likely.filter((c) => c.type.size < length && endsFlexibly(c));
    const longer = likely.filter((c) => c.type.size > length && this.#isMapValue(c));
    return this.#best(shorter.length > 0 ? shorter : longer, stores);
  }

  #isMapValue({ btf, type }: RecordType): boolean {
    return btf === this.#btf && this.#mapValues.has(type.id);
  }

  /** Stores that meet a member exactly, less those that cut across: above 0 where the structure may be what is filled. */
  #score({ places: { members, edges } }: Candidate, stores: Stores | undefined): number {
    let score = 0;
    for (const [fill, { at, size }] of stores?.fills ?? []) {
      if (members.has(fill)) score++;
      else if (!edges.has(at) || !edges.has(at + size)) score -= MISS;
    }
    return score;
  }

  #best(candidates: readonly Candidate[], stores: Stores | undefined): RecordType | undefined {
    const rank = (candidate: Candidate): number =>
      this.#score(candidate, stores) * 4 +
      (LIKELY.test(candidate.name) ? 2 : 0) +
      (this.#isMapValue(candidate) ? MAP_VALUE : 0) -
      (candidate.btf === this.#btf && this.#kernels.has(candidate.type.id) ? KERNELS : 0);
    const sorted = [...candidates].sort((a, b) => rank(b) - rank(a) || a.type.id - b.type.id);
    return sorted[0];
  }
}
