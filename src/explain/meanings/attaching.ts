/** What the program is for: its target, its BTF, maps that it may not have. */
import { type Row, row } from '../row.ts';

export const attaching: readonly Row[] = [
  row(
    /^Only fentry\/fexit\/fmod_ret, lsm, iter, uprobe, and struct_ops programs can be sleepable/,
    'a program of this type or attach type cannot be sleepable: leave out BPF_F_SLEEPABLE (the .s of its section)',
  ),
  row(/^Syscall programs can only be sleepable/, 'syscall programs are loaded with BPF_F_SLEEPABLE'),
  row(/^(\S+) is not sleepable/, '$1() runs where sleeping is not allowed: leave out the .s of the section'),
  row(
    /^(\S+)\(\) is not modifiable/,
    'the kernel lets no program replace what $1() returns: it is not on the list of error injection, nor a security hook',
  ),
  row(
    /^Attaching fexit\/fmod_ret to __noreturn functions is rejected/,
    'the function never returns, so nothing would ever run behind it: attach with fentry',
  ),
  row(/^attach_btf_id (\d+) points to disabled hook (\S+)/, 'no program may attach to $2'),
  row(/^attach_btf_id (\d+) points to wrong type name (\S+)/, '$2 is no hook that a program of this type attaches to'),
  row(/^attach_btf_id (\d+) (?:is|doesn't)/, 'BTF id $1 is nothing that a program of this type attaches to'),
  row(/^attach to (?:invalid|unsupported) member (\w+)(?:\(.*\))? of struct (\w+)/, 'programs do not implement $2.$1'),
  row(/^The address of function (\S+) cannot be found/, '$1() is not there in this kernel: inlined, or of a module'),
  row(/^The function (\S+) (.*)/, 'a trampoline cannot be put on $1(): $2'),
  row(
    /^(LSM|struct ops) programs must have a GPL compatible license/,
    '$1 programs are GPL-compatible: char LICENSE[] SEC("license") = "GPL"',
  ),
  row(
    /^Subprog (\S+) doesn't exist/,
    'the target program has no function $1(): see what `bpftool prog dump xlated` lists of it',
  ),
  row(
    /^(\w+) programs cannot attach to exception callback/,
    'the function named is the target’s exception callback, which takes no $1 program',
  ),
  row(
    /^Can attach to only JITed progs/,
    'the target program is run by the interpreter (engine interp): it has no machine code to attach to',
  ),
  row(
    /^Cannot nest tracing program attach more than once/,
    'the target is a tracing program that watches a tracing program itself: only one level is allowed',
  ),
  row(
    /^Cannot extend fentry\/fexit/,
    'the target is an fentry or fexit program: freplace takes the place of other programs’ functions',
  ),
  row(
    /^Only FENTRY\/FEXIT progs are attachable/,
    'with a program as the target, only fentry, fexit and freplace attach',
  ),
  row(
    /^can't modify return codes of BPF programs/,
    'fmod_ret is for functions of the kernel: use fexit to watch a program, freplace to replace a function',
  ),
  row(
    /^(\S+)\(\) is not a global function/,
    'freplace takes the place of global functions only: $1() is static in the target',
  ),
  row(
    /^(\S+)\(\) has (\d+) args while (\S+)\(\) has (\d+)/,
    '$1() must be declared as $3() is in the target: it takes $2 arguments instead of $4',
  ),
  row(
    /^Return type (\S+) of (\S+)\(\) doesn't match type (\S+) of (\S+)\(\)/,
    '$2() must return $3, as $4() in the target does',
  ),
  row(
    /^arg(\d+) in (\S+)\(\) is (.+) while (\S+)\(\) has (.+)/,
    'argument $1 of $2() must be $5, as that of $4() in the target is',
  ),
  row(/^Cannot replace kernel functions/, 'freplace takes the place of a program’s function: name a target program'),
  row(/^Tracing program/, 'the program does not say what function it attaches to'),
  row(
    /^Sleepable programs can only use array, hash, ringbuf and local storage maps/,
    'a map that the program uses cannot be used where programs sleep',
  ),
  row(/^bpf_struct_ops map cannot be used in prog/, null),
  row(/^The total number of maps per program has reached the limit of (\d+)/, 'a program uses at most $1 maps'),
  row(/^only one cgroup storage of each type is allowed/, null),
  row(
    /arena|^addr_space_cast/i,
    'arenas take CAP_BPF and CAP_PERFMON, one for each program, and an address in user space',
  ),
  row(
    /func_info|line_info|KIND_FUNC|func info record|in func info/,
    'the function and line records do not fit the program: they were made for other instructions',
  ),
  row(/^fd_idx without fd_array is invalid/, 'the program names maps by their place in fd_array, which was not given'),
];
