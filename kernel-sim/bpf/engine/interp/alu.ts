/** Arithmetic, moves and byte swaps: RFC 9669 section 4.1 and 4.2. */
import type { OpName } from '../../../../src/machine/wasm/encoder.ts';
import type { Emitter } from './emitter.ts';
import { ALU, type Alu, SOURCES, type Source, type Unary, WIDTHS, type Width } from './ops.ts';

/** An operation is one of WebAssembly's, which masks shift counts as BPF does; where division traps BPF does not. */
const BINARY = {
  add: 'add',
  sub: 'sub',
  mul: 'mul',
  or: 'or',
  and: 'and',
  xor: 'xor',
  lsh: 'shl',
  rsh: 'shr_u',
  arsh: 'shr_s',
  div: 'div_u',
  mod: 'rem_u',
  sdiv: 'div_s',
  smod: 'rem_s',
} as const;

export type Handler = (e: Emitter) => void;

export function aluHandlers(): [string, Handler][] {
  return ALU.flatMap((name) =>
    WIDTHS.flatMap((bits) =>
      SOURCES.map((source): [string, Handler] => [`${name}${bits}${source}`, (e) => alu(e, name, bits, source)]),
    ),
  );
}

function alu(e: Emitter, name: Alu, bits: Width, source: Source): void {
  e.dst();
  if (name === 'mov') e.source(bits, source);
  else {
    e.dstValue(bits).source(bits, source);
    const instruction = `i${bits}.${BINARY[name]}` as const;
    if (name === 'div' || name === 'mod' || name === 'sdiv' || name === 'smod') divide(e, name, bits, instruction);
    else e.op(instruction);
  }
  e.toDst(bits);
  e.next();
}

/** By zero: the quotient is 0 and the remainder the dividend. By -1: the quotient of the least number wraps to itself. */
function divide(e: Emitter, name: 'div' | 'mod' | 'sdiv' | 'smod', bits: Width, instruction: OpName): void {
  const wide = bits === 64;
  const [a, b] = wide ? [e.a64, e.b64] : [e.a32, e.b32];
  const constant = (value: number): Emitter => (wide ? e.i64(value) : e.i32(value));
  e.set(b).set(a);
  e.get(b).op(`i${bits}.eqz`);
  e.body.open('if');
  if (name === 'div' || name === 'sdiv') constant(0).set(a);
  e.body.else();
  if (name === 'sdiv' || name === 'smod') {
    e.get(b);
    constant(-1).op(`i${bits}.eq`);
    e.body.open('if');
    constant(0);
    if (name === 'sdiv') e.get(a).op(`i${bits}.sub`);
    e.set(a);
    e.body.else();
  }
  e.get(a).get(b).op(instruction).set(a);
  if (name === 'sdiv' || name === 'smod') e.body.end();
  e.body.end();
  e.get(a);
}

/** Operations whose operand is the destination, and sign extensions of the source. */
const UNARIES: Record<Unary, Handler> = {
  neg64: (e) => e.dst().i64(0).dstValue(64).op('i64.sub').toDst(64),
  neg32: (e) => e.dst().i32(0).dstValue(32).op('i32.sub').toDst(32),
  movsx64_8: (e) => e.dst().source(64, 'x').op('i64.extend8_s').toDst(64),
  movsx64_16: (e) => e.dst().source(64, 'x').op('i64.extend16_s').toDst(64),
  movsx64_32: (e) => e.dst().source(64, 'x').op('i64.extend32_s').toDst(64),
  movsx32_8: (e) => e.dst().source(32, 'x').op('i32.extend8_s').toDst(32),
  movsx32_16: (e) => e.dst().source(32, 'x').op('i32.extend16_s').toDst(32),
  le16: (e) => e.dst().dstValue(32).i32(0xffff).op('i32.and').toDst(32),
  le32: (e) => e.dst().dstValue(32).toDst(32),
  nop: () => {},
  bswap16: (e) => swap32(e.dst().dstValue(32)).i32(16).op('i32.shr_u').toDst(32),
  bswap32: (e) => swap32(e.dst().dstValue(32)).toDst(32),
  bswap64: (e) => {
    e.dst().dstValue(64).set(e.a64);
    swap32(e.get(e.a64).op('i32.wrap_i64')).op('i64.extend_i32_u').i64(32).op('i64.shl');
    swap32(e.get(e.a64).i64(32).op('i64.shr_u', 'i32.wrap_i64')).op('i64.extend_i32_u', 'i64.or').toDst(64);
  },
};

export function unaryHandlers(): [string, Handler][] {
  return Object.entries(UNARIES).map(([name, emit]) => [
    name,
    (e) => {
      emit(e);
      e.next();
    },
  ]);
}

/** Reverses the bytes of the i32 on the stack: odd and even ones turn the other way round. */
function swap32(e: Emitter): Emitter {
  e.body.tee(e.a32);
  e.i32(8).op('i32.rotl').i32(0x00ff00ff).op('i32.and');
  return e.get(e.a32).i32(8).op('i32.rotr').i32(-0x00ff0100).op('i32.and', 'i32.or');
}
