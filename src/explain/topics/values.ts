/** Registers, pointers and what programs give back. */
import type { Topic } from './topic.ts';

export const values: readonly Topic[] = [
  {
    name: 'uninitialised-register',
    title: 'A register has no value yet',
    about:
      'A register is read that was never written on this path. R1 is the context at the start; R1 to R5 have no value after a call, R0 has the result. In C it is a variable without a value, or a function that ends without return.',
    messages: [/!read_ok/, /is invalid$/, /^frame pointer is read only/],
    wrong: `r0 = r2
exit`,
    right: `r2 = 1
r0 = r2
exit`,
    language: 'asm',
  },
  {
    name: 'pointer-arithmetic',
    title: 'Arithmetic that pointers do not allow',
    about:
      'To a pointer numbers are added or subtracted that the verifier can bound, in 64 bits. Shifts, masks, multiplication and 32-bit operations make it no pointer; not every kind of pointer can be moved at all.',
    messages: [
      /pointer arithmetic/,
      /^math between/,
      /pointer be out of bounds/,
      /pointer offset -?\d+ is not allowed/,
      /bitwise operator/,
      /subtract pointer/,
      /pointer \S+ pointer prohibited/,
      /^same insn cannot be used/,
      /pointer with unsupported/,
    ],
    wrong: `r2 = r10
r2 <<= 3
r0 = 0
exit`,
    right: `r2 = r10
r2 += -8
r0 = 0
exit`,
    language: 'asm',
  },
  {
    name: 'pointer-leak',
    title: 'An address would become visible',
    about:
      'Programs without CAP_PERFMON may not let addresses of the kernel out: into maps, as a result, by comparisons or partial copies. Others may, except that a helper or a result that wants a number takes no pointer.',
    messages: [
      /leaks addr/,
      /^leaking pointer/,
      /pointer comparison prohibited/,
      /(?:partial copy|sign-extension part) of pointer/,
      /speculative/,
      /beyond pointer bounds/,
      /different maps, paths/,
      /mixed signed bounds/,
    ],
    wrong: `r0 = r10
exit`,
    right: `r0 = 0
exit`,
    language: 'asm',
  },
  {
    name: 'return-value',
    title: 'The result is not one that the kernel takes',
    about:
      'Many program types return a verdict out of a small range: 0 or 1 for cgroups, 0 or a negative errno for LSM, 0 for fentry. The verifier must see that R0 lies in it on every path: return constants, or compare first.',
    messages: [
      /should have been in/,
      /is not a (?:known|scalar)/,
      /not a known value/,
      /^R0 not a scalar/,
      /void LSM hooks/,
    ],
    wrong: `SEC("cgroup/connect4") int allow(struct bpf_sock_addr *ctx)
{
    return 2;
}`,
    right: `SEC("cgroup/connect4") int allow(struct bpf_sock_addr *ctx)
{
    return 1;
}`,
  },
  {
    name: 'context',
    title: 'The context is not read like this',
    about:
      'The context has the fields of its documented structure, each with its size, and not all can be written. It is reached through the pointer as it was given: copy it, do not add to it.',
    messages: [
      /^invalid bpf_context access/,
      /^dereference of modified/,
      /^negative offset \w+ ptr/,
      /^variable \w+ access/,
      /^func '[^']+'/,
      /different pointers/,
    ],
    wrong: `SEC("xdp") int write(struct xdp_md *ctx)
{
    *(volatile __u32 *)&ctx->ingress_ifindex = 1;
    return XDP_PASS;
}`,
    right: `SEC("xdp") int read(struct xdp_md *ctx)
{
    return ctx->ingress_ifindex == 1 ? XDP_DROP : XDP_PASS;
}`,
  },
];
