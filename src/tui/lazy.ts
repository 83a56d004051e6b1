/** What costs time is made when it is looked at. */

/** An object whose properties are made once, when they are first read. */
export function lazy<T extends object>(make: { readonly [K in keyof T]: () => T[K] }): T {
  const made: Partial<T> = {};
  const out = {} as T;
  for (const key of Object.keys(make) as (keyof T)[]) {
    Object.defineProperty(out, key, {
      enumerable: true,
      configurable: true,
      get: () => {
        if (!(key in made)) made[key] = make[key]();
        return made[key];
      },
    });
  }
  return out;
}
