/**
 * The shape of one object, as `ebpf-emu gen types` writes it: with `BpfObject.open<Prog>('prog.o')` its maps, programs,
 * variables and types have their own names and values. Without, each name might be there and each value be any.
 */
import type { BtfValue } from '../btf/index.ts';

/** A map's keys and values. */
export interface MapEntry {
  readonly key: unknown;
  /** of a per-CPU map an array by CPU */
  readonly value: unknown;
}

/** What there is to know of an object. */
export interface ObjectShape {
  /** {@link MapEntry} by name */
  readonly maps: object;
  /** each program's section by name */
  readonly programs: object;
  /** global variables by name */
  readonly data: object;
  readonly bss: object;
  readonly rodata: object;
  readonly kconfig: object;
  /** structures and the like that records are made of, by name */
  readonly types: object;
}

/** An object of which nothing is known beforehand. */
export interface AnyShape extends ObjectShape {
  readonly maps: { readonly [name: string]: { readonly key: BtfValue; readonly value: BtfValue } };
  readonly programs: { readonly [name: string]: string };
  readonly data: { [name: string]: BtfValue };
  readonly bss: { [name: string]: BtfValue };
  readonly rodata: { [name: string]: BtfValue };
  readonly kconfig: { [name: string]: BtfValue };
  readonly types: { readonly [name: string]: BtfValue };
}

export type KeyOf<E> = E extends { readonly key: infer K } ? K : BtfValue;
export type ValueOf<E> = E extends { readonly value: infer V } ? V : BtfValue;

/** What may be given where a value of type T is stored: numbers for bigints, and structures of which members are left as they are. */
export type Given<T> = BtfValue extends T
  ? BtfValue
  : T extends bigint
    ? bigint | number
    : T extends number | string | boolean | Uint8Array
      ? T
      : T extends readonly (infer E)[]
        ? readonly Given<E>[]
        : T extends object
          ? { readonly [M in keyof T]?: Given<T[M]> }
          : T;
/** As {@link Given}; of a per-CPU map also one value for all. */
export type GivenValue<T> = Given<T> | (BtfValue extends T ? never : T extends readonly (infer E)[] ? Given<E> : never);
