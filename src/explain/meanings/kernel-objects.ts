/** Kernel structures by BTF, and kernel functions that programs call by name (kfuncs). */
import { type Row, row } from '../row.ts';

export const kernelObjects: readonly Row[] = [
  row(/^access beyond struct (\S+) at off (\d+) size (\d+)/, 'struct $1 ends before the $3 bytes at offset $2'),
  row(
    /^access beyond the end of member (\S+) \(mend:(\d+)\) in struct (\S+) with off (\d+) size (\d+)/,
    'the $5 bytes at offset $4 reach beyond $3.$1, which ends at $2: read it with its own size',
  ),
  row(
    /^cannot access ptr member (\S+) with moff (\d+) in struct (\S+) with off (\d+) size (\d+)/,
    '$3.$1 is a pointer at offset $2: it is read whole, 8 bytes, not $5 bytes at $4',
  ),
  row(/^struct (\S+) doesn't have field at offset (\d+)/, 'nothing lies at offset $2 of struct $1'),
  row(/^(?:field (\S+) doesn't have size|Type '(\S+)' is not a struct|structures nest too deeply)/, null),
  row(
    /^(R\d+) is (\w+) invalid negative access: off=(-?\d+)/,
    '$3 bytes before the beginning of the $2 in $1 are accessed',
  ),
  row(
    /^(R\d+) is (\w+) invalid variable offset: off=(-?\d+), var_off=(.*)/,
    'the offset into the $2 in $1 must be a constant, and varies ($4)',
  ),
  row(
    /^(R\d+) is (\w+) access (user|percpu) memory: off=(-?\d+)/,
    ([, r = '', type = '', kind = '']) =>
      `${r} (${type}) is an address of ${kind === 'user' ? 'user space: use bpf_probe_read_user()' : 'per-CPU data: use bpf_per_cpu_ptr() or bpf_this_cpu_ptr()'}`,
  ),
  row(
    /^only (?:read|read from (\w+)) (?:is )?supported/,
    (found) => `the kernel’s ${found[1] ?? 'structures'} can be read, but not written, by this program`,
  ),
  row(
    /^no write support to (\S+) at off (\d+)/,
    'programs of this type write only some fields of $1, and none at offset $2',
  ),
  row(/^write access at off (\d+) with size (\d+)/, 'the $2 bytes written at offset $1 reach beyond the field'),
  row(/^only access to (\w+) is supported/, null),
  row(
    /^'struct (\w+)' access is allowed only to CAP_PERFMON and CAP_SYS_ADMIN/,
    'reading struct $1 of the kernel takes CAP_PERFMON',
  ),
  row(
    /^Cannot access kernel 'struct (\w+)' from non-GPL compatible program/,
    'reading struct $1 of the kernel takes a GPL-compatible program: char LICENSE[] SEC("license") = "GPL"',
  ),
  row(/^map_ptr access not supported/, null),
  row(/^calling kernel function (\w+) is not allowed/, '$1() is not for programs of this type'),
  row(
    /^cannot call kernel function from non-GPL compatible program/,
    'kernel functions are for GPL-compatible programs: char LICENSE[] SEC("license") = "GPL"',
  ),
  row(
    /^program must be sleepable to call sleepable kfunc (\w+)/,
    '$1() may sleep: the program must be sleepable (a section like fentry.s, lsm.s, iter.s, syscall)',
  ),
  row(
    /^kernel function (\w+) args#(\d+) expected pointer to (\w+ \S+) but (R\d+) has a pointer to (\w+ \S+)/,
    'argument $2 of $1() is a pointer to $3, but $4 points to $5',
  ),
  row(
    /^kernel function (\w+) (?:args#(\d+) pointer type|returns pointer type) (.*) is not supported/,
    '$1() has a type that programs cannot handle ($3)',
  ),
  row(
    /^arg#(\d+) pointer type (\w+ \S*) must point to (.*)/,
    'argument $1 is memory of the program’s own, and $2 is no plain data',
  ),
  row(/^arg#(\d+) is (\S+) expected (\S+) or socket/, 'argument $1 must be a $3 or a socket, and is a $2'),
  row(/^arg#(\d+) expected pointer to ctx, but got (\S+)/, 'argument $1 is the context, and a $2 is passed'),
  row(/^arg#?(\d+) expected pointer to (.*)/, 'argument $1 must be a pointer to $2'),
  row(/^arg#(\d+) expected for (\w+)\(\)/, 'the object in argument $1 was made for $2()'),
  row(/^arg#(\d+) doesn't point to a (.*)/, 'argument $1 must point to a $2'),
  row(/^pointer in (R\d+) isn't map pointer/, '$1 must be a map'),
  row(
    /^arg#(\d+) arg#(\d+) memory, len pair leads to invalid memory access/,
    'argument $2 is the size of the memory in argument $1, which does not have so much',
  ),
  row(
    /^arg#(\d+) reference type\('(.*?)'\) size cannot be determined/,
    'argument $1 of a global function points to $2, whose size the program’s BTF does not tell: only its declaration is there',
  ),
  row(/^Unrecognized arg#(\d+) type (\w+)/, null),
  row(
    /^(?:bpf_(?:percpu_)?obj_new|bpf_obj_new\/bpf_percpu_obj_new|local type ID|kfunc bpf_rdonly_cast) ?(.*)/,
    'what is made or cast must be a structure that the program’s BTF describes',
  ),
  row(
    /^(?:acquire kernel function|Function \w+ has \d+ > 5 args|max struct nesting|destructive kfunc|kfunc \w+#\d+ failed callback)/,
    null,
  ),
  row(
    /^the prog does not allow writes to packet data/,
    'programs of this type only read packets: use bpf_dynptr_slice()',
  ),
  row(
    /^metadata kfuncs require device-bound program/,
    'packet metadata come from a device: load the program with BPF_F_XDP_DEV_BOUND_ONLY and an interface',
  ),
  row(
    /^kernel btf_id (\d+) is not a function/,
    'the program calls the kernel function with BTF id $1, and there is none: was it made for another kernel?',
  ),
  row(/^kernel function btf_id (\d+)/, null),
  row(
    /^(?:invalid module BTF fd specified|failed to find BTF for kernel function|negative offset disallowed for kernel module|kfunc offset > 0)/,
    'the function is said to be of a kernel module, which is not there',
  ),
  row(/^calling kernel function is not supported/, null),
  row(
    /^invalid kernel function call not eliminated in verifier pass/,
    'the program reaches a call of a kernel function that this kernel does not have: ask with bpf_ksym_exists() before',
  ),
  row(/^ldimm64 failed to find the address for kernel symbol '(\S+)'/, 'the kernel has no symbol $1'),
  row(/^(?:ldimm64 (?:insn|unable)|pseudo btf_id|kernel is missing BTF)/, null),
];
