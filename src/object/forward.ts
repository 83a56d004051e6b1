/** An object that also answers for another: what it lacks is taken from a kernel's handle. */

/** Own and inherited property names, but for those of every object. */
function* names(object: object): Generator<string> {
  for (let at: object = object; at && at !== Object.prototype; at = Object.getPrototypeOf(at) as object)
    yield* Object.getOwnPropertyNames(at);
}

/** Gives `target` every property of `source` that it does not have; methods stay bound to `source`. */
export function forward<T extends object, S extends object>(target: T, source: S): T & Omit<S, keyof T> {
  for (const name of names(source)) {
    if (name in target || name.startsWith('#')) continue;
    Object.defineProperty(target, name, {
      configurable: true,
      get: () => {
        const value = (source as Record<string, unknown>)[name];
        return typeof value === 'function' ? (value as (...args: unknown[]) => unknown).bind(source) : value;
      },
      set: (value: unknown) => {
        (source as Record<string, unknown>)[name] = value;
      },
    });
  }
  return target as T & Omit<S, keyof T>;
}
