/** Variables of a function that may be read where nothing has set them. */
import type { FunctionBody, Operand, Statement, When } from './language.ts';

/** Variables that a statement reads. */
function read(s: Statement): readonly string[] {
  const operands: (Operand | undefined)[] = [];
  if ('args' in s) operands.push(...s.args);
  if ('value' in s) operands.push(s.value);
  if ('unlessZero' in s) operands.push(s.unlessZero);
  const names = operands.flatMap((o) => (o?.kind === 'var' ? [o.name] : o?.kind === 'field' ? [o.base] : []));
  return s.kind === 'indirect' ? [...names, s.target] : names;
}

/**
 * Those that are set only where the system call's recorded result is of a kind (`...?`, `...!`), and read by statements that
 * are executed where it is not. They begin as 0.
 */
export function maybeUnset({ params, statements }: FunctionBody): ReadonlySet<string> {
  const known = new Map<string, When>(params.map((name) => [name, 'always']));
  const unset = new Set<string>();
  for (const s of statements) {
    const when = 'when' in s ? s.when : 'always';
    for (const name of read(s)) {
      const of = known.get(name) ?? 'always';
      if (of !== 'always' && of !== when) unset.add(name);
    }
    if ('to' in s && s.to !== undefined && known.get(s.to) !== 'always') known.set(s.to, when);
  }
  return unset;
}
