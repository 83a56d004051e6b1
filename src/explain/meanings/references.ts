/** What must be given back: references, locks, RCU, preemption; dynptrs, iterators, lists and trees. */
import { type Row, row } from '../row.ts';

export const references: readonly Row[] = [
  row(/^Unreleased reference id=(\d+) alloc_insn=(\d+)/, ([, , at = ''], log) => {
    const call = log.lines
      .map((line) => new RegExp(`^${at}: \\([0-9a-f]{2}\\) call (\\w+)#`).exec(line)?.[1])
      .find(Boolean);
    return `what ${call ? `${call}() gave` : 'was acquired'} at instruction ${at} is not released on this path: release it before the program ends, also where something fails`;
  }),
  row(
    /^(?:func|kfunc) (\w+)#\d+ (?:reference has not been acquired before|conversion)/,
    '$1() is given something that this program does not hold: released already, or never acquired',
  ),
  row(
    /^(R\d+) must be referenced when passed to release function/,
    ([, r = ''], log) =>
      `${r} (${log.state(r) ?? 'unknown'}) was not acquired by this program, so it cannot be released`,
  ),
  row(
    /^(R\d+) must be (referenced or trusted|a rcu pointer)/,
    ([, r = '', what = ''], log) =>
      `${r} (${log.state(r) ?? 'unknown'}) may point to an object that is already gone: it must be ${what === 'a rcu pointer' ? 'read inside bpf_rcu_read_lock(), or acquired' : 'acquired, or come from a trusted argument'}`,
  ),
  row(/^(R\d+) must have zero offset when passed to release func/, '$1 does not point to the beginning of its object'),
  row(/^arg (\d+) is an unacquired reference/, 'argument $1 holds nothing that could be released'),
  row(/^more than one arg with ref_obj_id (R\d+)/, null),
  row(
    /^release kernel function (\w+) expects refcounted PTR_TO_BTF_ID/,
    '$1() is given no pointer that this program acquired',
  ),
  row(
    /^allocated object must be referenced/,
    'the object is not the program’s own any more (it was given away, or never made by bpf_obj_new())',
  ),
  row(/^bpf_spin_unlock is missing/, 'the program ends with a bpf_spin_lock held'),
  row(/^bpf_rcu_read_unlock is missing/, 'the program ends inside bpf_rcu_read_lock(): unlock on every path'),
  row(/^(\d+) bpf_preempt_enable/, 'the program ends with preemption disabled $1 times: enable it on every path'),
  row(
    /^BPF_LD_\[ABS\|IND\] cannot be (?:mixed with socket references|used inside (\S+) region)/,
    'a packet load that fails ends the program, and what it holds would stay held',
  ),
  row(/^Locking two bpf_spin_locks are not allowed/, 'a program holds one bpf_spin_lock at a time'),
  row(
    /^bpf_spin_unlock of different lock/,
    'bpf_spin_unlock() is given another lock than the one that is held: it must be of the same look-up',
  ),
  row(/^bpf_spin_unlock without taking a lock/, 'bpf_spin_unlock() is called on a path where no lock is held'),
  row(/^(?:map|local) '([^']*)' has no valid (bpf_\w+)/, 'the value type of $1 has no struct $2'),
  row(
    /^map '([^']*)' has to have BTF in order to use (\w+)/,
    'the kernel must know the value type of map $1: define it in .maps with __type(value, …) and compile with -g',
  ),
  row(
    /^off (-?\d+) doesn't point to 'struct (\w+)' that is at (\d+)/,
    'the struct $2 lies at offset $3 of the value, not at $1',
  ),
  row(
    /^(R\d+) doesn't have constant offset\. (\w+) has to be at the constant offset/,
    'the $2 must be named by a constant offset; that of $1 varies',
  ),
  row(
    /^(bpf_\w+|kptr) (?:cannot be accessed|access)/,
    'the field $1 of the map value is the kernel’s: only its own functions may touch it',
  ),
  row(/^direct access to (\w+) is disallowed/, 'the field $1 is the kernel’s: only its own functions may touch it'),
  row(/^(?:tracing|socket filter) progs cannot use (\S+) yet/, 'programs that may run anywhere cannot use $1'),
  row(
    /^(?:store to referenced kptr|kptr in map|BPF_ST imm must be 0|off=(-?\d+))/,
    'kernel pointers in maps are exchanged by bpf_kptr_xchg(), and read by plain loads of 8 bytes',
  ),
  row(/^invalid kptr access, (R\d+) type=(\S+) expected=(.*)/, '$1 is a $2, and the kptr field takes a $3'),
  row(/^(R\d+) has no valid kptr/, 'what $1 points to has no field declared __kptr'),
  row(
    /^Expected an initialized dynptr as arg #(\d+)/,
    'argument $1 is a dynptr that was not made on this path, or already given away',
  ),
  row(/^Expected a dynptr of type (\w+) as arg #(\d+)/, 'argument $2 must be a dynptr of $1 memory'),
  row(/^Dynptr has to be an uninitialized dynptr/, 'the dynptr is in use already: it must be new'),
  row(/^cannot overwrite referenced dynptr/, 'the dynptr still holds a ring buffer record: submit or discard it first'),
  row(
    /^cannot (?:release unowned const bpf_dynptr|pass pointer to const bpf_dynptr)/,
    'the dynptr belongs to the caller: it can be read, but not released or changed',
  ),
  row(
    /^arg#(\d+) expected pointer to stack or const struct bpf_dynptr/,
    'argument $1 must be the address of a struct bpf_dynptr on the stack',
  ),
  row(/^cannot pass in (\w+) at an offset=(-?\d+)/, 'a $1 lies at a multiple of 8 inside the stack, not at $2'),
  row(/^(\w+) has to be at a constant offset/, 'the $1 must lie at a constant place of the stack'),
  row(/^expected (?:an )?(un)?initialized (iter_\w+) as arg #(\d+)/, ([, un, iter = '', n = '']) =>
    un
      ? `argument ${n} is an ${iter} that is in use already`
      : `argument ${n} is no ${iter} that this path has begun with its _new()`,
  ),
  row(
    /^arg#(\d+) expected pointer to an iterator on stack/,
    'argument $1 must be the address of an iterator structure on the stack',
  ),
  row(/^expected (?:valid iter pointer|an RCU CS)/, 'the iterator works only inside bpf_rcu_read_lock()'),
  row(/^css_task_iter is only allowed/, null),
  row(/^(?:unmatched|nested) (.*) \(kernel function (\w+)\)/, '$2() has no counterpart here: $1'),
  row(/^kernel func (\w+) is sleepable within (\S+) region/, '$1() may sleep, and the $2 region must not'),
  row(/^(\w+) not found at offset=(\d+)/, 'there is no struct $1 at offset $2 of what is passed'),
  row(/^held lock and object are not in the same allocation/, 'the lock that is held belongs to another list or tree'),
  row(
    /^bpf_spin_lock at off=(-?\d+) must be held for (\w+)/,
    'the bpf_spin_lock at offset $1 beside the $2 must be held',
  ),
  row(
    /^(?:operation on (\w+) expects|arg#1 offset=)/,
    'the node is not of the type, or not at the place, that the list or tree is declared to contain (__contains)',
  ),
  row(/^rbtree_remove |^can't spin_|^Calling bpf_rcu_read/, null),
  row(
    /^arg#(\d+) (?:is neither owning or non-owning ref|doesn't point to a type with bpf_refcount field)/,
    'argument $1 must be an object with a struct bpf_refcount that this program may refer to',
  ),
  row(
    /^(?:timer|workqueue) pointer in R1 map_uid=\d+ doesn't match map pointer in R2/,
    'the second argument must be the map that the first one lies in',
  ),
];
