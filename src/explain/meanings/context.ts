/** The context: fields of its structure, or BTF-typed arguments. */
import { type Row, row } from '../row.ts';

export const context: readonly Row[] = [
  row(/^invalid bpf_context access off=(-?\d+) size=(\d+)/, ([, off = '', size = ''], log) => {
    const before = log.lines[log.at - 1] ?? '';
    const missing = /^func '([^']+)' doesn't have (\d+)-th argument/.exec(before);
    if (missing)
      return `${missing[1]}() has fewer than ${missing[2]} arguments: offset ${off} of the context is beyond them`;
    const odd = /^func '([^']+)' offset (-?\d+) is not multiple of 8/.exec(before);
    if (odd) return `arguments of ${odd[1]}() lie at multiples of 8, not at ${odd[2]}`;
    const write = /^\*\(/.test(log.stop?.text ?? '');
    return `${size} bytes at offset ${off} of the context may not be ${write ? 'written' : 'read'} by programs of this type (attach type and field size count, too)`;
  }),
  row(
    /^dereference of modified (\w+) ptr (R\d+) off=(-?\d+) disallowed/,
    '$2 was moved by $3 bytes: a $1 is used only as it was given, with the offset in the instruction',
  ),
  row(
    /^negative offset (\w+) ptr (R\d+) off=(-?\d+) disallowed/,
    '$2 was moved back by $3 bytes: a $1 begins at offset 0',
  ),
  row(/^variable (\w+) access var_off=(.*) disallowed/, 'the offset into the $1 must be a constant, and varies ($2)'),
  row(/^func '([^']+)' doesn't have (\d+)-th argument/, '$1() has fewer than $2 arguments'),
  row(
    /^func '([^']+)' (arg\d+) (?:'[^']*' has )?type (\w+)/,
    '$2 of $1() is a $3, which cannot be followed as a pointer',
  ),
  row(/^func '([^']+)' (?:size|offset) (-?\d+)/, 'arguments of $1() are 8 bytes at multiples of 8; $2 is neither'),
  row(
    /^ret type (\w+) not allowed for fmod_ret/,
    'fmod_ret programs see only functions that return a number, and this one returns a $1',
  ),
  row(/^at the time of BPF_LD_ABS\|IND R6 != pointer to skb/, 'packet loads take the context from R6: keep it there'),
];
