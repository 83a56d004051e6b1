/** Location expressions (DWARF 5, 2.5, 2.6): where a value is, or what it is. */
import { OP } from './constants.ts';
import { Cursor } from './cursor.ts';
import type { Unit } from './die.ts';
import type { Expression, Place } from './sections.ts';

export type Location =
  | { readonly kind: 'register'; readonly register: number }
  | { readonly kind: 'memory'; readonly address: bigint }
  /** a variable of a section: where its map lies */
  | { readonly kind: 'static'; readonly place: Place }
  | { readonly kind: 'value'; readonly bits: bigint }
  /** one behind the other, the first at the lowest address; a piece without a place is kept nowhere */
  | { readonly kind: 'pieces'; readonly pieces: readonly Piece[] };

export interface Piece {
  readonly at: Location | undefined;
  readonly bytes: number;
}

export interface Machine {
  /** by its number in DWARF; undefined: it is not known */
  register(n: number): bigint | undefined;
  /** eight bytes */
  load(address: bigint): bigint | undefined;
  /** what DW_OP_fbreg counts from */
  readonly frameBase: bigint | undefined;
}

const mask = (value: bigint): bigint => BigInt.asUintN(64, value);

/** undefined: nowhere at the moment, or by an operation that is not known here. @throws DwarfError where it is damaged */
export function locate(unit: Unit, expression: Expression, machine: Machine): Location | undefined {
  const c = new Cursor(expression.bytes);
  const addressAt = (at: number): Place => unit.sections.place(expression.section, expression.at + at);
  const pieces: Piece[] = [];
  while (!c.ended) {
    const at = c.bytes[c.at] === OP.piece ? undefined : simple(unit, c, machine, addressAt);
    if (c.ended && pieces.length === 0) return at === 'unknown' ? undefined : at;
    if (at === 'unknown' || c.ended || c.u8() !== OP.piece) return undefined;
    pieces.push({ at, bytes: c.number() });
  }
  return pieces.length === 0 ? undefined : { kind: 'pieces', pieces };
}

/** Up to the end, or a piece's. `addressAt`: the address that stands at an offset of the expression. 'unknown': an operation that is not known here, whose end is not known either. */
function simple(
  unit: Unit,
  c: Cursor,
  machine: Machine,
  addressAt: (at: number) => Place,
): Location | undefined | 'unknown' {
  const stack: bigint[] = [];
  let isKnown = true;
  let found: Location | undefined;
  const push = (value: bigint | undefined, offset = 0n): void => {
    if (value === undefined) isKnown = false;
    stack.push(mask((value ?? 0n) + offset));
  };
  const pop = (): bigint => stack.pop() ?? 0n;
  const binary = (f: (a: bigint, b: bigint) => bigint): void => {
    const b = pop();
    stack.push(mask(f(pop(), b)));
  };
  while (!c.ended && c.bytes[c.at] !== OP.piece) {
    const op = c.u8();
    if (op >= OP.reg0 && op <= OP.reg31) {
      found = registerAt(machine, op - OP.reg0);
      isKnown = found !== undefined;
      continue;
    }
    if (op >= OP.lit0 && op <= OP.lit31) {
      stack.push(BigInt(op - OP.lit0));
      continue;
    }
    if (op >= OP.breg0 && op <= OP.breg31) {
      push(machine.register(op - OP.breg0), c.sleb());
      continue;
    }
    switch (op) {
      case OP.regx:
        found = registerAt(machine, c.number());
        isKnown = found !== undefined;
        break;
      case OP.bregx:
        push(machine.register(c.number()), c.sleb());
        break;
      case OP.fbreg:
        push(machine.frameBase, c.sleb());
        break;
      case OP.addrx:
        found = { kind: 'static', place: unit.address(c.number()) };
        break;
      case OP.addr:
        found = { kind: 'static', place: addressAt(c.at) };
        c.slice(8);
        break;
      case OP.constx:
        stack.push(BigInt(unit.address(c.number()).offset));
        break;
      case OP.const1u:
      case OP.const2u:
      case OP.const4u:
      case OP.const8u:
        stack.push(c.fixed(1 << ((op - OP.const1u) >> 1)));
        break;
      case OP.const1s:
      case OP.const2s:
      case OP.const4s:
      case OP.const8s:
        stack.push(mask(c.fixed(1 << ((op - OP.const1s) >> 1), true)));
        break;
      case OP.constu:
        stack.push(c.uleb());
        break;
      case OP.consts:
        stack.push(mask(c.sleb()));
        break;
      case OP.plus_uconst:
        stack.push(mask(pop() + c.uleb()));
        break;
      case OP.deref:
        push(isKnown ? machine.load(pop()) : undefined);
        break;
      case OP.plus:
        binary((a, b) => a + b);
        break;
      case OP.minus:
        binary((a, b) => a - b);
        break;
      case OP.mul:
        binary((a, b) => a * b);
        break;
      case OP.and:
        binary((a, b) => a & b);
        break;
      case OP.or:
        binary((a, b) => a | b);
        break;
      case OP.xor:
        binary((a, b) => a ^ b);
        break;
      case OP.shl:
        binary((a, b) => a << (b & 63n));
        break;
      case OP.shr:
        binary((a, b) => a >> (b & 63n));
        break;
      case OP.shra:
        binary((a, b) => BigInt.asIntN(64, a) >> (b & 63n));
        break;
      case OP.neg:
        stack.push(mask(-pop()));
        break;
      case OP.not:
        stack.push(mask(~pop()));
        break;
      case OP.stack_value:
        found = { kind: 'value', bits: pop() };
        break;
      case OP.implicit_value: {
        const bytes = c.slice(c.number());
        if (bytes.length > 8) isKnown = false;
        else found = { kind: 'value', bits: new Cursor(bytes).fixed(bytes.length) };
        break;
      }
      default:
        return 'unknown';
    }
  }
  if (!isKnown) return undefined;
  return found ?? (stack.length > 0 ? { kind: 'memory', address: pop() } : undefined);
}

const registerAt = (machine: Machine, register: number): Location | undefined =>
  machine.register(register) === undefined ? undefined : { kind: 'register', register };
