/** Jumps, calls and returns: RFC 9669 section 4.3. */
import type { OpName } from '../../../../src/machine/wasm/encoder.ts';
import type { Handler } from './alu.ts';
import { type Emitter, LEFT } from './emitter.ts';
import { CONDITIONS, type Condition, SOURCES, type Source, WIDTHS, type Width } from './ops.ts';
import { CODE, FRAME_BYTES, SLOT, SLOT_BYTES } from './zone.ts';

const COMPARE: Record<Condition, string> = {
  jeq: 'eq',
  jne: 'ne',
  jgt: 'gt_u',
  jge: 'ge_u',
  jlt: 'lt_u',
  jle: 'le_u',
  jsgt: 'gt_s',
  jsge: 'ge_s',
  jslt: 'lt_s',
  jsle: 'le_s',
  jset: 'and',
};

export function conditionHandlers(): [string, Handler][] {
  return CONDITIONS.flatMap((name) =>
    WIDTHS.flatMap((bits) =>
      SOURCES.map((source): [string, Handler] => [`${name}${bits}${source}`, (e) => condition(e, name, bits, source)]),
    ),
  );
}

function condition(e: Emitter, name: Condition, bits: Width, source: Source): void {
  e.loadDst().dstValue(bits).source(bits, source);
  e.op(`i${bits}.${COMPARE[name]}` as OpName);
  if (name === 'jset' && bits === 64) e.i64(0).op('i64.ne');
  e.body.open('if');
  e.jump();
  e.body.end();
  e.next();
}

const R6 = 6;
const R10 = 10;
/** Offsets in a frame. */
const BACK = 0;
const COUNT = 4;
const SAVED = 8;
const SAVED_R10 = SAVED + 4 * 8;

/** Enters a bpf-to-bpf call. The slot has the caller's stack use in place of a register and the caller's count in place of a source. */
function callBpf(e: Emitter): void {
  e.get(e.fp)
    .i32(e.zone + CODE - FRAME_BYTES)
    .op('i32.gt_u');
  e.leaveIf(LEFT.frames);
  // As a call instruction touches the stack, so that running off its end faults there.
  e.i32(0).reg('i64.load', R10).field('i64.load16_u', SLOT.dst).op('i64.sub');
  e.body.tee(e.a64);
  e.i64(-8).op('i64.add').physical(8, true);
  e.get(e.pc).i32(SLOT_BYTES).op('i32.add');
  e.body.tee(e.a32);
  e.op('i64.extend_i32_u').mem('i64.store', 0);
  e.get(e.fp).get(e.a32).mem('i32.store', BACK);
  e.get(e.fp).field('i32.load', SLOT.src).mem('i32.store', COUNT);
  for (let n = 0; n < 4; n++) {
    e.get(e.fp)
      .i32(0)
      .reg('i64.load', R6 + n)
      .mem('i64.store', SAVED + 8 * n);
  }
  e.get(e.fp).i32(0).reg('i64.load', R10).mem('i64.store', SAVED_R10);
  e.i32(0).get(e.a64).reg('i64.store', R10);
  e.get(e.fp).i32(FRAME_BYTES).op('i32.add').set(e.fp);
  e.jump();
}

function exit(e: Emitter): void {
  e.get(e.count).field('i32.load', SLOT.count).op('i32.add').set(e.count);
  e.get(e.fp).get(e.base).op('i32.eq');
  e.leaveIf(LEFT.done);
  e.get(e.fp).i32(FRAME_BYTES).op('i32.sub').set(e.fp);
  for (let n = 0; n < 4; n++) {
    e.i32(0)
      .get(e.fp)
      .mem('i64.load', SAVED + 8 * n)
      .reg('i64.store', R6 + n);
  }
  e.i32(0).get(e.fp).mem('i64.load', SAVED_R10).reg('i64.store', R10);
  e.get(e.count).get(e.fp).mem('i32.load', COUNT).op('i32.sub').set(e.count);
  e.get(e.fp).mem('i32.load', BACK).set(e.pc);
  e.go();
}

export const CONTROL: [string, Handler][] = [
  ['ja', (e) => e.jump()],
  ['callBpf', callBpf],
  ['exit', exit],
  ['callHelper', (e) => e.leave(LEFT.helper)],
  ['tailCall', (e) => e.leave(LEFT.tailCall)],
  ['invalid', (e) => e.leave(LEFT.invalid)],
];
