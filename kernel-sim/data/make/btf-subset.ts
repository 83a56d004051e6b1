/** The part of a BTF that is read first: chosen structures, functions and typedefs, and the types that those need by value. */
import { type Btf, type BtfType, essentialName, nameFilter } from '../../../src/btf/index.ts';

export interface SubsetRequest {
  readonly structs: readonly string[];
  readonly functions: readonly string[];
  readonly typedefs: readonly string[];
  readonly also: (name: string, kind: string) => boolean;
}

const HEADER = 24;
const HEADER_OF_TYPE = 12;
/** one name in fifty that no kernel type has is looked for in the whole */
const FILTER_BYTES = 65536;

export function subset(btf: Btf, want: SubsetRequest): Uint8Array {
  const whole = new Set<number>();
  const roots: number[] = [];
  for (const name of want.structs) {
    for (const kind of ['struct', 'union', 'typedef'] as const) {
      const id = btf.findByName(name, kind);
      if (id) {
        whole.add(id);
        roots.push(id);
      }
    }
  }
  const functions = new Set(want.functions);
  const typedefs = new Set(want.typedefs);
  for (const t of btf.types()) {
    if (
      (t.kind === 'func' && functions.has(t.name)) ||
      (t.kind === 'typedef' && typedefs.has(t.name)) ||
      (t.name && want.also(t.name, t.kind))
    )
      roots.push(t.id);
  }
  /** how a type is taken: whole, or as a forward declaration */
  const take = new Map<number, 'whole' | 'fwd'>();
  const queue: [number, boolean][] = roots.map((id) => [id, true]);
  const later: number[] = [];
  for (;;) {
    const next = queue.pop();
    if (!next) break;
    const [id, byValue] = next;
    if (id === 0) continue;
    const t = btf.typeById(id);
    const composite = t.kind === 'struct' || t.kind === 'union';
    if (composite && !byValue && !whole.has(id) && t.name !== '') {
      if (!take.has(id)) take.set(id, 'fwd');
      continue;
    }
    if (take.get(id) === 'whole') continue;
    take.set(id, 'whole');
    switch (t.kind) {
      case 'ptr':
        queue.push([t.type, false]);
        break;
      case 'array':
        queue.push([t.type, byValue], [t.indexType, true]);
        break;
      case 'struct':
      case 'union':
        for (const m of t.members) queue.push([m.type, true]);
        break;
      case 'typedef':
      case 'const':
      case 'volatile':
      case 'restrict':
      case 'type_tag':
        // a modifier reached by pointer is shared with by-value users: what it names goes in whole only when one of those comes
        queue.push([t.type, byValue]);
        if (!byValue) later.push(id);
        break;
      case 'func':
        queue.push([t.type, true]);
        break;
      case 'func_proto':
        queue.push([t.type, false]);
        for (const p of t.params) queue.push([p.type, false]);
        break;
    }
  }
  // chains of modifiers that were first reached by pointer and then by value
  for (let again = true; again; ) {
    again = false;
    for (const [id, how] of [...take]) {
      if (how !== 'whole') continue;
      const t = btf.typeById(id);
      const members =
        t.kind === 'struct' || t.kind === 'union' ? t.members.map((m) => m.type) : t.kind === 'array' ? [t.type] : [];
      for (const m of members) {
        for (let at = m; ; ) {
          const inner = btf.typeById(at);
          if (
            inner.kind === 'typedef' ||
            inner.kind === 'const' ||
            inner.kind === 'volatile' ||
            inner.kind === 'restrict' ||
            inner.kind === 'type_tag' ||
            inner.kind === 'array'
          ) {
            if (!take.has(at)) {
              take.set(at, 'whole');
              again = true;
            }
            at = inner.type;
            continue;
          }
          if (at !== 0 && take.get(at) !== 'whole') {
            take.set(at, 'whole');
            again = true;
            const pull: number[] = [];
            if (inner.kind === 'struct' || inner.kind === 'union') for (const x of inner.members) pull.push(x.type);
            else if (inner.kind === 'ptr') pull.push(inner.type);
            else if (inner.kind === 'func_proto') pull.push(inner.type, ...inner.params.map((p) => p.type));
            for (const p of pull) need(btf, take, whole, p);
          }
          break;
        }
      }
    }
  }
  return write(btf, withNamesakes(btf, take.keys()));
}

/** Makes sure that a type and what it refers to are there at least as a forward declaration. */
function need(btf: Btf, take: Map<number, 'whole' | 'fwd'>, whole: ReadonlySet<number>, id: number): void {
  if (id === 0 || take.has(id)) return;
  const t = btf.typeById(id);
  if ((t.kind === 'struct' || t.kind === 'union') && t.name !== '' && !whole.has(id)) {
    take.set(id, 'fwd');
    return;
  }
  take.set(id, 'whole');
  if (t.kind === 'struct' || t.kind === 'union') for (const m of t.members) need(btf, take, whole, m.type);
  else if (t.kind === 'func_proto') for (const p of [t.type, ...t.params.map((x) => x.type)]) need(btf, take, whole, p);
  else if ('type' in t && typeof t.type === 'number') need(btf, take, whole, t.type);
  if (t.kind === 'array') need(btf, take, whole, t.indexType);
}

/** Bytes that follow `struct btf_type`, and where in them names are. */
function names(t: BtfType): number[] {
  const every = (count: number, stride: number): number[] =>
    Array.from({ length: count }, (_, n) => HEADER_OF_TYPE + n * stride);
  switch (t.kind) {
    case 'struct':
    case 'union':
      return [0, ...every(t.members.length, 12)];
    case 'enum':
      return [0, ...every(t.values.length, 8)];
    case 'enum64':
      return [0, ...every(t.values.length, 12)];
    case 'func_proto':
      return [0, ...every(t.params.length, 8)];
    default:
      return [0];
  }
}

/** The types as {@link QuickBtf} takes them: copied, with names in a string section of their own. */
function write(btf: Btf, take: ReadonlySet<number>): Uint8Array {
  const ids = [...take].sort((a, b) => a - b);
  const strings: string[] = [''];
  const offsets = new Map<string, number>([['', 0]]);
  let length = 1;
  const str = (s: string): number => {
    let at = offsets.get(s);
    if (at === undefined) {
      at = length;
      offsets.set(s, at);
      strings.push(s);
      length += Buffer.byteLength(s) + 1;
    }
    return at;
  };
  const view = Buffer.from(btf.bytes.buffer, btf.bytes.byteOffset, btf.bytes.length);
  const typesEnd = view.readUInt32LE(4) + view.readUInt32LE(8) + view.readUInt32LE(12);
  const types = ids.map((id) => {
    const end = id + 1 < btf.typeCount ? btf.offsetOfType(id + 1) : typesEnd;
    const own = Buffer.from(view.subarray(btf.offsetOfType(id), end));
    for (const at of names(btf.typeById(id))) own.writeUInt32LE(str(btf.string(own.readUInt32LE(at))), at);
    return own;
  });
  const typeBytes = Buffer.concat(types);
  const strBytes = Buffer.from(`${strings.join('\0')}\0`);
  const header = Buffer.alloc(HEADER);
  header.writeUInt16LE(0xeb9f, 0);
  header.writeUInt8(1, 2);
  header.writeUInt32LE(HEADER, 4);
  header.writeUInt32LE(typeBytes.length, 12);
  header.writeUInt32LE(typeBytes.length, 16);
  header.writeUInt32LE(strBytes.length, 20);

  const here = new Set(ids.map((id) => essentialName(btf.typeById(id).name)));
  const elsewhere = new Set<string>();
  for (const t of btf.types()) if (t.name && !here.has(essentialName(t.name))) elsewhere.add(essentialName(t.name));
  const filter = nameFilter(elsewhere, FILTER_BYTES);
  const head = new Uint32Array([btf.typeCount, btf.endString, ids.length, filter.length]);
  const deltas = Uint32Array.from(ids, (id, n) => id - (ids[n - 1] ?? 0));
  return Buffer.concat([Buffer.from(head.buffer), Buffer.from(deltas.buffer), filter, header, typeBytes, strBytes]);
}

/** Every type that shares its name with one that is taken: a name is found whole, or not at all. */
function withNamesakes(btf: Btf, take: Iterable<number>): Set<number> {
  const out = new Set(take);
  const names = new Set([...out].map((id) => essentialName(btf.typeById(id).name)).filter((name) => name !== ''));
  for (const t of btf.types()) if (t.name && names.has(essentialName(t.name))) out.add(t.id);
  out.delete(0);
  return out;
}
