/**
 * Fingerprints of pages, by which a save finds what has changed: nothing that writes to guest memory pays for it.
 *
 * 128 bits a page, from four lanes of 64 bits. A lane goes through its words by `rotl(lane ^ word, 29) * K` with an odd
 * K, which loses nothing: pages that differ in one word never have the same fingerprint, others with a chance of 2^-64.
 */
import { PAGE_SIZE, SCAN_PHYS } from '../layout.ts';
import { FunctionBody, I32, I64, ModuleBuilder, OP } from '../wasm/encoder.ts';

/** pages of one call, whose fingerprints fit behind {@link SCAN_PHYS} */
export const BATCH = 64;
/** i32 words of one fingerprint */
export const HASH_WORDS = 4;

const LANES = 4;
/** words of each lane that one turn of the loop takes */
const UNROLL = 4;
const STEP = LANES * UNROLL * 8;
/** odd, with bits all over */
const K = [0x4f6cdd1d, 0x9e6c63d0] as const;
const SEEDS = [
  [0x243f6a88, 0x85a308d3],
  [0x13198a2e, 0x03707344],
  [0x299f31d0, 0x082efa98],
  [0x38d01377, 0x452821e6],
] as const;
const ROTATE = 29;

/** Writes the fingerprints of `pages` pages from `phys` on to {@link SCAN_PHYS}. */
type Scan = (phys: number, pages: number) => void;

function scanBody(): FunctionBody {
  const body = new FunctionBody([I32, I32], []);
  const [phys, pages] = [0, 1];
  const end = body.local(I32);
  const out = body.local(I32);
  const lanes = SEEDS.map(() => body.local(I64));
  const mix = (to: number, from: () => void): void => {
    body.get(to);
    from();
    body.op(OP['i64.xor']).i64(ROTATE, 0).op(OP['i64.rotl']);
    body.i64(K[0] | 0, K[1] | 0).op(OP['i64.mul']);
  };
  body.i32(SCAN_PHYS).set(out);
  body.open('block').open('loop');
  body.get(pages).op(OP['i32.eqz']).brIf(1);
  SEEDS.forEach(([lo, hi], n) => void body.i64(lo | 0, hi | 0).set(lanes[n]!));
  body.get(phys).i32(PAGE_SIZE).op(OP['i32.add']).set(end);
  body.open('loop');
  for (let u = 0; u < UNROLL; u++) {
    lanes.forEach((lane, n) => {
      mix(lane, () => body.get(phys).mem(OP['i64.load'], (u * LANES + n) * 8));
      body.set(lane);
    });
  }
  body.get(phys).i32(STEP).op(OP['i32.add']).tee(phys).get(end).op(OP['i32.ne']).brIf(0).end();
  for (const half of [0, 1]) {
    body.get(out);
    mix(lanes[2 * half]!, () => body.get(lanes[2 * half + 1]!));
    body.mem(OP['i64.store'], 8 * half);
  }
  body
    .get(out)
    .i32(4 * HASH_WORDS)
    .op(OP['i32.add'])
    .set(out);
  body.get(pages).i32(1).op(OP['i32.sub']).set(pages).br(0);
  body.end().end();
  return body;
}

const modules = new Map<number, WebAssembly.Module>();

/** The scanner of a memory. */
export function pageScanner(memory: WebAssembly.Memory): Scan {
  const size = memory.buffer.byteLength / 65536;
  let module = modules.get(size);
  if (module === undefined) {
    const builder = new ModuleBuilder(size);
    builder.add(scanBody(), 'scan');
    module = new WebAssembly.Module(builder.encode());
    modules.set(size, module);
  }
  return new WebAssembly.Instance(module, { m: { memory } }).exports['scan'] as Scan;
}
