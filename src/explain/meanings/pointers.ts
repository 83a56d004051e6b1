/** Arithmetic with pointers, comparisons, and addresses that must not get out. */
import { insnText } from '../log.ts';
import { type Row, row } from '../row.ts';

const PRIVILEGE = 'programs loaded without CAP_PERFMON may not';

export const pointers: readonly Row[] = [
  row(/^(R\d+) !read_ok/, ([, r = ''], log) => {
    const by = log.clobbered(r);
    return by
      ? `${insnText(by)}, leaves only R0 and R6 to R9, as a call does: what ${r} held is gone`
      : `${r} was never written on this path (a call leaves only R0 and R6 to R9): initialise the variable`;
  }),
  row(/^(R\d+) is invalid/, '$1 is no register: there are R0 to R10'),
  row(/^frame pointer is read only/, 'R10 points to the stack frame and cannot be written'),
  row(
    /^math between (\w+) pointer and register with unbounded min value/,
    'what is added to the $1 pointer has no lower bound: check that it is at least 0 first',
  ),
  row(
    /^math between (\w+) pointer and (-?\d+) is not allowed/,
    '$2 added to a $1 pointer leads beyond the 512 MiB that are allowed',
  ),
  row(
    /^value (-?\d+) makes (\w+) pointer be out of bounds/,
    'the offset of the $2 pointer may be $1, beyond the 512 MiB that are allowed: bound it',
  ),
  row(
    /^(\w+) pointer offset (-?\d+) is not allowed/,
    'the offset of the $1 pointer is $2, beyond the 512 MiB that are allowed',
  ),
  row(
    /^(R\d+) pointer arithmetic on (\w+) prohibited/,
    'nothing can be added to $1: it is a $2, which must stay as it is',
  ),
  row(/^(R\d+) pointer (\S+) pointer prohibited/, 'two pointers cannot be combined by $2 (into $1)'),
  row(
    /^(R\d+) tried to subtract pointer from scalar/,
    'a pointer is subtracted from the number in $1: only the other way round means something',
  ),
  row(/^(R\d+) 32-bit pointer arithmetic prohibited/, '$1 is a pointer of 64 bits, and 32-bit arithmetic would cut it'),
  row(/^(R\d+) bitwise operator (\S+) on pointer prohibited/, 'the bits of the pointer in $1 cannot be changed by $2'),
  row(/^(R\d+) pointer arithmetic with (\S+) operator prohibited/, 'only + and - work on the pointer in $1, not $2'),
  row(/^(R\d+) pointer arithmetic prohibited/, `$1 is a pointer; ${PRIVILEGE} see its bits`),
  row(
    /^(R\d+) subtraction from stack pointer prohibited/,
    'use a negative constant: $1 is a stack pointer, and nothing can be subtracted from it',
  ),
  row(
    /^(R\d+) (partial copy of pointer|sign-extension part of pointer)/,
    `a part of the pointer in $1 is copied, which ${PRIVILEGE} do`,
  ),
  row(
    /^(R\d+) pointer comparison prohibited/,
    `the pointer in $1 is compared with a number other than NULL; ${PRIVILEGE} learn addresses so`,
  ),
  row(
    /^(R\d+) leaks addr (into|as) (.*)/,
    `$1 holds a kernel address that would get out ($2 $3), which ${PRIVILEGE} let happen`,
  ),
  row(
    /^(R\d+) stack pointer arithmetic goes out of range, prohibited for !root; off=(-?\d+)/,
    'without CAP_PERFMON a stack pointer must stay in the frame; $1 would be at $2',
  ),
  row(
    /^(R\d+) variable stack access prohibited for !root, var_off=(.*?) off=(-?\d+)/,
    'without CAP_PERFMON the place on the stack must be a constant; that of $1 varies ($2)',
  ),
  row(
    /^(R\d+) pointer arithmetic of map value goes out of range, prohibited for !root/,
    'without CAP_PERFMON a pointer to a map value must stay inside at each step; $1 leaves it: check the index before it is added',
  ),
  row(
    /^(R\d+) tried to (add|sub) from different maps, paths or scalars/,
    'one instruction ($2 of $1) works on different pointers on different paths; speculation cannot be guarded against so without CAP_PERFMON: use separate code for each',
  ),
  row(
    /^(R\d+) tried to (add|sub) beyond pointer bounds/,
    'the $2 of $1 starts from a pointer at its object’s edge, which speculation could carry beyond it',
  ),
  row(
    /^(R\d+) has unknown scalar with mixed signed bounds/,
    'the number in $1 may be negative or positive; without CAP_PERFMON what is added to a pointer must be one or the other: use an unsigned type',
  ),
  row(
    /^(R\d+) has pointer with unsupported alu operation/,
    'the pointer in $1 cannot be guarded against speculation: without CAP_PERFMON only stack and map value pointers take numbers',
  ),
  row(
    /^(R\d+) could not be pushed for speculative verification/,
    'too many paths wait to be walked: simplify the branches around $1',
  ),
  row(
    /^same insn cannot be used with different pointers/,
    'one instruction reaches the context or a kernel structure on one path, other memory on another: use separate code for each',
  ),
  row(
    /^BPF_ATOMIC stores into (R\d+) (\w+) is not allowed/,
    'atomic operations work on stack, maps and other plain memory; $1 is a $2',
  ),
  row(/^REG INVARIANTS VIOLATION/, null),
];
