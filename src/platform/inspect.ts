/**
 * What console.log shows of an object whose fields are not what its user asks for: Node's util.inspect, Deno's and Bun's ask
 * by this symbol (util.inspect.custom), which needs no module of theirs.
 */
const CUSTOM = Symbol.for('nodejs.util.inspect.custom');

type Inspect = (value: unknown, options: object) => string;

/**
 * `of`, or what has it as prototype, is shown as what `view` gives of it, under a name. An object's own properties stay as they
 * are.
 */
export function shownAs<T extends object>(of: T, view: (it: T) => unknown, label = ''): void {
  Object.defineProperty(of, CUSTOM, {
    value(this: T, depth: number, options: object, inspect: Inspect) {
      if (label === '') return view(this);
      return depth < 0 ? `[${label}]` : `${label} ${inspect(view(this), { ...options, depth })}`;
    },
  });
}
