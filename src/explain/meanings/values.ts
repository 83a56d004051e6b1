/** What programs and callbacks return. */
import { type Row, row } from '../row.ts';

function must([, where = '', r = '', has = '', from = '', to = '']: RegExpExecArray): string {
  const allowed = from === to ? from : `${from} to ${to}`;
  const what = where.startsWith('At program') ? 'this type of program' : 'the callback';
  return `${what} must return ${allowed}, but ${r} has${has}: set it on every path, and check what comes from elsewhere`;
}

export const values: readonly Row[] = [
  row(
    /^(At \w+(?: \w+)? (?:exit|return)) the register (R\d+) has( .*?) should have been in \[(-?\d+), (-?\d+)\]/,
    must,
  ),
  row(
    /^At (\w+) exit the register (R\d+) is not a (?:known|scalar) value \((\w+)\)/,
    '$2 is returned and holds a $3: the $1 must return a number',
  ),
  row(
    /^At (\w+ ?\w*) (?:return|exit) the register (R\d+) is not a known value \((\w+)\)/,
    '$2 is returned and holds a $3, where a number is wanted',
  ),
  row(/^R0 not a scalar value/, 'the callback returns a pointer in R0, where a number is wanted'),
  row(
    /^BPF_LSM_CGROUP that attach to void LSM hooks can't modify return value!/,
    'the hook returns nothing: a program on it returns 1',
  ),
];
