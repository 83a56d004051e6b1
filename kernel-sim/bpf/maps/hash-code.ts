/**
 * What a hash map does for each key, as WebAssembly over guest memory: hashing it (jhash.ts), following a bucket's list to
 * its element, and telling which elements follow. The same code serves programs, bpf(2) and the API. Everything is named
 * by physical address; an element's is the lower half of its address minus `delta`, because no memory is larger than 2 GiB.
 */
import { WALK_PHYS } from '../../../src/machine/index.ts';
import { FunctionBody, I32, ModuleBuilder, OP } from '../../../src/machine/wasm/encoder.ts';
import type { MapLayout } from '../../core/map-layout.ts';

/** elements that one {@link HashCode.gather} tells at most */
export const GATHERED = 64;

export interface HashCode {
  hash(key: number, seed: number): number;
  /** The element with the key at `key`; 0 where there is none, -1 where a list of more than `most` elements has no end. */
  find(key: number, hash: number, heads: number, mask: number, delta: number, most: number): number;
  /**
   * Writes where the elements are that follow `elem`, or the first ones where it is 0, at most {@link GATHERED}, to
   * WALK_PHYS, and gives how many. It reads of each one's value at `valueAt`, so that the processor fetches several at a
   * time from its memory.
   */
  gather(elem: number, heads: number, mask: number, delta: number, valueAt: number): number;
}

const INITVAL = 0xdeadbeef | 0;

/** lookup3 of a key of this size (see jhash.ts). */
function hashBody(keySize: number): FunctionBody {
  const body = new FunctionBody([I32, I32], [I32]);
  const [key, seed] = [0, 1];
  const [a, b, c, end] = [body.local(I32), body.local(I32), body.local(I32), body.local(I32)];
  // x = x OP y, and x = (x ^ y) - rotl(y, n) in the document's two orders
  const add = (x: number, y: number) => body.get(x).get(y).op(OP['i32.add']).set(x);
  const mix = (x: number, y: number, n: number, plus: number) => {
    body.get(x).get(y).op(OP['i32.sub']).get(y).i32(n).op(OP['i32.rotl']).op(OP['i32.xor']).set(x);
    add(y, plus);
  };
  const final = (x: number, y: number, n: number) =>
    body.get(x).get(y).op(OP['i32.xor']).get(y).i32(n).op(OP['i32.rotl']).op(OP['i32.sub']).set(x);
  body
    .i32((INITVAL + keySize) | 0)
    .get(seed)
    .op(OP['i32.add'])
    .tee(a)
    .tee(b)
    .set(c);
  const blocks = keySize > 12 ? Math.ceil(keySize / 12) - 1 : 0;
  if (blocks > 0) {
    body
      .get(key)
      .i32(blocks * 12)
      .op(OP['i32.add'])
      .set(end);
    body.open('loop');
    for (const [n, x] of [a, b, c].entries()) {
      body
        .get(x)
        .get(key)
        .mem(OP['i32.load'], 4 * n)
        .op(OP['i32.add'])
        .set(x);
    }
    mix(a, c, 4, b);
    mix(b, a, 6, c);
    mix(c, b, 8, a);
    mix(a, c, 16, b);
    mix(b, a, 19, c);
    mix(c, b, 4, a);
    body.get(key).i32(12).op(OP['i32.add']).tee(key).get(end).op(OP['i32.ne']).brIf(0).end();
  }
  const left = keySize - blocks * 12;
  [a, b, c].forEach((x, n) => {
    for (let at = 4 * n; at < Math.min(left, 4 * n + 4); ) {
      const whole = left - at >= 4 && at % 4 === 0;
      body
        .get(x)
        .get(key)
        .mem(whole ? OP['i32.load'] : OP['i32.load8_u'], at);
      if (at % 4) body.i32(8 * (at % 4)).op(OP['i32.shl']);
      body.op(OP['i32.add']).set(x);
      at += whole ? 4 : 1;
    }
  });
  if (left > 0) {
    final(c, b, 14);
    final(a, c, 11);
    final(b, a, 25);
    final(c, b, 16);
    final(a, c, 4);
    final(b, a, 14);
    final(c, b, 24);
  }
  return body.get(c);
}

/** The units that bytes are compared in: as long as they last, eight, then four, two, one. */
function units(size: number): { at: number; load: number; differ: number }[] {
  const out: { at: number; load: number; differ: number }[] = [];
  for (let at = 0; at < size; ) {
    const left = size - at;
    const bytes = left >= 8 ? 8 : left >= 4 ? 4 : left >= 2 ? 2 : 1;
    const load = { 8: OP['i64.load'], 4: OP['i32.load'], 2: OP['i32.load16_u'], 1: OP['i32.load8_u'] }[bytes]!;
    out.push({ at, load, differ: bytes === 8 ? OP['i64.ne'] : OP['i32.ne'] });
    at += bytes;
  }
  return out;
}
/** Keys up to here are compared without a loop. */
const UNROLLED = 128;

function findBody(keySize: number, bucketSize: number, hashAt: number, keyAt: number): FunctionBody {
  const body = new FunctionBody([I32, I32, I32, I32, I32, I32], [I32]);
  const [key, hash, heads, mask, delta, most] = [0, 1, 2, 3, 4, 5];
  const [at, n] = [body.local(I32), body.local(I32)];
  body.get(heads).get(hash).get(mask).op(OP['i32.and']).i32(bucketSize).op(OP['i32.mul']).op(OP['i32.add']).set(at);
  body.open('block').open('loop');
  body.get(at).mem(OP['i32.load'], 0).tee(at).i32(1).op(OP['i32.and']).brIf(1);
  body.get(most).op(OP['i32.eqz']).open('if').i32(-1).op(OP.return).end();
  body.get(most).i32(1).op(OP['i32.sub']).set(most);
  body.get(at).get(delta).op(OP['i32.sub']).tee(at);
  body.mem(OP['i32.load'], hashAt).get(hash).op(OP['i32.ne']).brIf(0);
  if (keySize <= UNROLLED) {
    for (const u of units(keySize)) {
      body
        .get(at)
        .mem(u.load, keyAt + u.at)
        .get(key)
        .mem(u.load, u.at)
        .op(u.differ)
        .brIf(0);
    }
  } else {
    const whole = keySize & ~7;
    body.i32(0).set(n).open('loop');
    body.get(at).get(n).op(OP['i32.add']).mem(OP['i64.load'], keyAt);
    body.get(key).get(n).op(OP['i32.add']).mem(OP['i64.load'], 0).op(OP['i64.ne']).brIf(1);
    body.get(n).i32(8).op(OP['i32.add']).tee(n).i32(whole).op(OP['i32.ne']).brIf(0).end();
    for (const u of units(keySize - whole)) {
      body
        .get(at)
        .mem(u.load, keyAt + whole + u.at)
        .get(key)
        .mem(u.load, whole + u.at)
        .op(u.differ)
        .brIf(0);
    }
  }
  body.get(at).op(OP.return).end().end();
  return body.i32(0);
}

function gatherBody(bucketSize: number, hashAt: number): FunctionBody {
  const body = new FunctionBody([I32, I32, I32, I32, I32], [I32]);
  const [elem, heads, mask, delta, valueAt] = [0, 1, 2, 3, 4];
  const [bucket, next, count, seen] = [body.local(I32), body.local(I32), body.local(I32), body.local(I32)];
  const head = () =>
    body.get(bucket).i32(bucketSize).op(OP['i32.mul']).get(heads).op(OP['i32.add']).mem(OP['i32.load'], 0).set(next);
  body.get(elem).op(OP['i32.eqz']).open('if');
  head();
  body.else();
  body.get(elem).mem(OP['i32.load'], hashAt).get(mask).op(OP['i32.and']).set(bucket);
  body.get(elem).mem(OP['i32.load'], 0).set(next);
  body.end();
  body.open('block').open('loop');
  // at a list's end the next bucket that has one
  body.get(next).i32(1).op(OP['i32.and']).open('if');
  body.get(bucket).get(mask).op(OP['i32.eq']).brIf(2);
  body.get(bucket).i32(1).op(OP['i32.add']).set(bucket);
  head();
  body.br(1).end();
  body.get(next).get(delta).op(OP['i32.sub']).set(elem);
  body.get(count).i32(2).op(OP['i32.shl']).get(elem).mem(OP['i32.store'], WALK_PHYS);
  body.get(elem).get(valueAt).op(OP['i32.add']).mem(OP['i32.load'], 0).get(seen).op(OP['i32.xor']).set(seen);
  body.get(elem).mem(OP['i32.load'], 0).set(next);
  body.get(count).i32(1).op(OP['i32.add']).tee(count).i32(GATHERED).op(OP['i32.ne']).brIf(0);
  body.end().end();
  // what was seen is used, or an optimizer would have no reason to look
  body
    .i32(0)
    .get(seen)
    .mem(OP['i32.store'], WALK_PHYS + 4 * GATHERED);
  return body.get(count);
}

const modules = new Map<string, WebAssembly.Module>();
/** Instances have no state of their own: one a memory and size of keys. */
const instances = new WeakMap<WebAssembly.Memory, Map<string, HashCode>>();

/** The code for maps with keys of this size, over a memory. */
export function hashCode(memory: WebAssembly.Memory, { htab_elem, bucket }: MapLayout, keySize: number): HashCode {
  const pages = memory.buffer.byteLength / 65536;
  const id = [pages, keySize, bucket.sizeof, htab_elem.hash, htab_elem.key].join();
  let known = instances.get(memory);
  if (known === undefined) instances.set(memory, (known = new Map()));
  let code = known.get(id);
  if (code !== undefined) return code;
  let module = modules.get(id);
  if (module === undefined) {
    const builder = new ModuleBuilder(pages);
    builder.add(hashBody(keySize), 'hash');
    builder.add(findBody(keySize, bucket.sizeof, htab_elem.hash, htab_elem.key), 'find');
    builder.add(gatherBody(bucket.sizeof, htab_elem.hash), 'gather');
    module = new WebAssembly.Module(builder.encode());
    modules.set(id, module);
  }
  const { exports } = new WebAssembly.Instance(module, { m: { memory } });
  code = exports as unknown as HashCode;
  known.set(id, code);
  return code;
}
