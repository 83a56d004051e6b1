/**
 * State that the kernel keeps outside of guest memory, and how it is taken down and put back.
 *
 * What has such state is {@link Stateful}. Its `save` mostly is a {@link capture} of its fields and its `restore` a
 * {@link reinstate}: containers and rows (maps, sets, arrays, plain objects) are captured with what is in them and are
 * put back into the *same* objects, so that whoever holds one still has the right one. Other objects are taken as they
 * are, those with a `save` of their own with their state.
 */

export interface Stateful<S = unknown> {
  save(): S;
  /** Puts back what {@link save} gave, once guest memory is what it was. */
  restore(state: S): void;
}

/** A captured value: how to put it back. Opaque. */
export interface Captured<T> {
  /** puts it back and gives it */
  readonly back: () => T;
}

type TypedArray = Int32Array | Uint8Array | Float64Array | Uint32Array;

const isStateful = (value: object): value is Stateful =>
  typeof (value as Partial<Stateful>).save === 'function' && typeof (value as Partial<Stateful>).restore === 'function';

export function capture<T>(value: T): Captured<T> {
  if (typeof value !== 'object' || value === null) return { back: () => value };
  return { back: captureObject(value) as () => T };
}

/** A map, set or array whose items are somebody else's to save. */
export function shallow<T extends Map<unknown, unknown> | Set<unknown> | unknown[]>(container: T): Stateful<unknown> {
  return {
    save: () => (container instanceof Map ? [...container] : [...(container as Set<unknown> | unknown[])]),
    restore: (items) => {
      const list = items as unknown[];
      if (Array.isArray(container)) {
        container.length = list.length;
        for (let n = 0; n < list.length; n++) container[n] = list[n];
        return;
      }
      container.clear();
      if (container instanceof Map) for (const [k, v] of list as [unknown, unknown][]) container.set(k, v);
      else for (const item of list) container.add(item);
    },
  };
}

export const reinstate = <T>(captured: Captured<T>): T => captured.back();

function captureObject(value: object): () => object {
  if (Array.isArray(value)) {
    const list: unknown[] = value;
    const items = list.map(captureItem);
    return () => {
      list.length = items.length;
      for (let n = 0; n < items.length; n++) list[n] = put(items[n]);
      return list;
    };
  }
  if (value instanceof Map) {
    const map: Map<unknown, unknown> = value;
    const entries = [...map].map(([k, v]) => [k, captureItem(v)] as const);
    return () => {
      map.clear();
      for (const [k, v] of entries) map.set(k, put(v));
      return map;
    };
  }
  if (value instanceof Set) {
    const set: Set<unknown> = value;
    const items = [...set].map(captureItem);
    return () => {
      set.clear();
      for (const item of items) set.add(put(item));
      return set;
    };
  }
  if (ArrayBuffer.isView(value)) {
    const array = value as TypedArray;
    const copy = array.slice();
    return () => {
      array.set(copy);
      return array;
    };
  }
  if (isStateful(value)) {
    const state = value.save();
    return () => {
      value.restore(state);
      return value;
    };
  }
  if (Object.getPrototypeOf(value) !== Object.prototype) return () => value;
  const row = value as Record<string, unknown>;
  const fields: [string, unknown][] = [];
  for (const key of Object.keys(row)) {
    const { get } = Object.getOwnPropertyDescriptor(row, key) as PropertyDescriptor;
    if (get === undefined) fields.push([key, captureItem(row[key])]);
  }
  return () => {
    for (const [key, item] of fields) {
      const now = put(item);
      if (row[key] !== now) row[key] = now;
    }
    return row;
  };
}

/** A captured object inside of another; primitives, of which there are many, stay themselves. */
class Item {
  readonly back: () => object;
  constructor(back: () => object) {
    this.back = back;
  }
}

const captureItem = (value: unknown): unknown =>
  typeof value === 'object' && value !== null ? new Item(captureObject(value)) : value;
const put = (item: unknown): unknown => (item instanceof Item ? item.back() : item);
