/** The loop's operations by what they do, for those who make micro-operations and for the host. */
import { COMPARED, FUSED, TESTED } from './conditions.ts';
import type { Width } from './emitter.ts';
import { generated } from './generated.ts';
import { firstName, type Kind } from './row.ts';

/** Every operation: its number is its index. */
export const OPERATIONS = generated.operations;
const NUMBERS = new Map(OPERATIONS.map(({ name }, n) => [name, n]));

/** An operation's number. @throws Error where there is none */
export function numberOf(name: string): number {
  const n = NUMBERS.get(name);
  if (n === undefined) throw new Error(`the stepping loop has no operation ${name}`);
  return n;
}

/** Numbers of a row's operations by width, -1 where it has none. */
const byWidth = (name: string): Readonly<Record<Width, number>> => ({
  8: NUMBERS.get(`${name}8`) ?? -1,
  16: NUMBERS.get(`${name}16`) ?? -1,
  32: NUMBERS.get(`${name}32`) ?? -1,
  64: NUMBERS.get(`${name}64`) ?? -1,
});

export interface LoopInsn {
  readonly kind: Kind;
  readonly numbers: Readonly<Record<Width, number>>;
}
/** By the x86 table's mnemonic. */
export const BY_MNEMONIC: ReadonlyMap<string, LoopInsn> = new Map(
  generated.insns.flatMap((row) => {
    const insn = { kind: row.kind, numbers: byWidth(firstName(row)) };
    return row.mnemonics.split(' ').map((mnemonic): [string, LoopInsn] => [mnemonic, insn]);
  }),
);

/** By a comparison's number and the code of a condition: the two in one. */
export const FUSIONS: ReadonlyMap<number, ReadonlyMap<number, number>> = new Map(
  FUSED.flatMap((w): [number, Map<number, number>][] => [
    [
      numberOf(`cmp${w}`),
      new Map(Object.entries(COMPARED).map(([name, { code }]) => [code, numberOf(`cmp${w}_${name}`)])),
    ],
    [
      numberOf(`test${w}`),
      new Map(
        Object.entries(TESTED).flatMap(([name, { codes }]) =>
          codes.map((code): [number, number] => [code, numberOf(`test${w}_${name}`)]),
        ),
      ),
    ],
  ]),
);

/** An access that the host makes where the TLB has not got the page. */
export interface Access {
  /** bytes */
  readonly size: number;
  readonly write: boolean;
  /** bits to which a load's sign is extended: 0, 32, 64 */
  readonly signed: 0 | 32 | 64;
}

/** The access that an operation of this name is, if it is one. */
export function accessOf(name: string): Access | undefined {
  const [, kind, signed, bits, to] = /^(load|store)(S?)(\d+)(to32)?$/.exec(name) ?? [];
  if (kind === undefined) return undefined;
  return { size: Number(bits) / 8, write: kind === 'store', signed: !signed ? 0 : to ? 32 : 64 };
}
