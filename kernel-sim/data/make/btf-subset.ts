/** A smaller BTF: chosen structures whole, functions and typedefs, and the types that those need by value. */
import type { Btf, BtfType } from '../../../src/btf/index.ts';

export interface SubsetRequest {
  readonly structs: readonly string[];
  readonly functions: readonly string[];
  readonly typedefs: readonly string[];
  readonly also: (name: string, kind: string) => boolean;
}

const HEADER = 24;

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
  return write(btf, take);
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

const KIND: Readonly<Record<string, number>> = {
  int: 1,
  ptr: 2,
  array: 3,
  struct: 4,
  union: 5,
  enum: 6,
  fwd: 7,
  typedef: 8,
  volatile: 9,
  const: 10,
  restrict: 11,
  func: 12,
  func_proto: 13,
  float: 16,
  type_tag: 18,
  enum64: 19,
};

function write(btf: Btf, take: ReadonlyMap<number, 'whole' | 'fwd'>): Uint8Array {
  const ids = [...take.keys()].filter((id) => KIND[btf.typeById(id).kind] !== undefined).sort((a, b) => a - b);
  const renumber = new Map<number, number>([[0, 0]]);
  for (const [n, id] of ids.entries()) renumber.set(id, n + 1);
  const ref = (id: number): number => renumber.get(id) ?? 0;
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
  const words: number[] = [];
  const head = (t: BtfType, kind: number, vlen: number, flag: boolean, sizeOrType: number): void => {
    words.push(str(t.name), ((flag ? 1 : 0) << 31) | (kind << 24) | vlen, sizeOrType);
  };
  for (const id of ids) {
    const t = btf.typeById(id);
    const kind = KIND[t.kind] as number;
    if (take.get(id) === 'fwd') {
      head(t, 7, 0, t.kind === 'union', 0);
      continue;
    }
    switch (t.kind) {
      case 'int':
        head(t, kind, 0, false, t.size);
        words.push((t.encoding << 24) | (t.bitOffset << 16) | t.bits);
        break;
      case 'array':
        head(t, kind, 0, false, 0);
        words.push(ref(t.type), ref(t.indexType), t.length);
        break;
      case 'struct':
      case 'union':
        head(t, kind, t.members.length, t.kindFlag, t.size);
        for (const m of t.members)
          words.push(str(m.name), ref(m.type), t.kindFlag ? (m.bitfieldSize << 24) | m.bitOffset : m.bitOffset);
        break;
      case 'enum':
        head(t, kind, t.values.length, t.signed, t.size);
        for (const v of t.values) words.push(str(v.name), Number(BigInt.asIntN(32, v.value)));
        break;
      case 'enum64':
        head(t, kind, t.values.length, t.signed, t.size);
        for (const v of t.values)
          words.push(str(v.name), Number(BigInt.asUintN(32, v.value)), Number(BigInt.asUintN(32, v.value >> 32n)));
        break;
      case 'fwd':
        head(t, kind, 0, t.of === 'union', 0);
        break;
      case 'func':
        head(t, kind, 1, false, ref(t.type));
        break;
      case 'func_proto':
        head(t, kind, t.params.length, false, ref(t.type));
        for (const p of t.params) words.push(str(p.name), ref(p.type));
        break;
      case 'float':
        head(t, kind, 0, false, t.size);
        break;
      case 'ptr':
      case 'typedef':
      case 'volatile':
      case 'const':
      case 'restrict':
      case 'type_tag':
        head(t, kind, 0, false, ref(t.type));
        break;
    }
  }
  const bytes = new Uint8Array(HEADER + words.length * 4 + length);
  const view = new DataView(bytes.buffer);
  const header = [0xeb9f | (1 << 16), HEADER, 0, words.length * 4, words.length * 4, length];
  for (const [n, w] of [...header, ...words].entries()) view.setUint32(n * 4, w >>> 0, true);
  bytes.set(Buffer.from(`${strings.join('\0')}\0`), HEADER + words.length * 4);
  return bytes;
}
