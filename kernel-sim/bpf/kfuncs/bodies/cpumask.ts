/** Sets of CPUs: bpf_cpumask_create and its kin (Linux 6.12 Documentation/bpf/cpumasks.rst). `struct bpf_cpumask` is a cpumask and a count of references. */
import type { Addr } from '../../../../src/machine/addr.ts';
import type { HelperBodies, HelperBody, HelperCall } from '../../helpers/bodies/call.ts';

/** nr_cpu_ids words of the mask that are looked at: at most 8192 CPUs, as CONFIG_NR_CPUS says */
const BYTES = 1024;

const cpus = ({ kernel }: HelperCall): number => kernel.cpus;
const has = ({ kernel }: HelperCall, mask: Addr, cpu: number): boolean =>
  (kernel.memory.readU8(mask + (cpu >> 3)) & (1 << (cpu & 7))) !== 0;
function put(call: HelperCall, mask: Addr, cpu: number, is: boolean): void {
  const { memory } = call.kernel;
  const at = mask + (cpu >> 3);
  const bit = 1 << (cpu & 7);
  memory.writeU8(at, is ? memory.readU8(at) | bit : memory.readU8(at) & ~bit);
}
/** CPUs from 0 on for which it holds; nr_cpu_ids where it does for none */
function first(call: HelperCall, holds: (cpu: number) => boolean): number {
  let cpu = 0;
  while (cpu < cpus(call) && !holds(cpu)) cpu++;
  return cpu;
}
const every = (call: HelperCall, holds: (cpu: number) => boolean): boolean =>
  first(call, (cpu) => !holds(cpu)) === cpus(call);
const some = (call: HelperCall, holds: (cpu: number) => boolean): boolean => first(call, holds) < cpus(call);

const refs = ({ kernel }: HelperCall, mask: Addr): Addr => mask + kernel.structs.of('bpf_cpumask').offset('usage');
const bool = (call: HelperCall, value: boolean): void => call.args.retU32(value ? 1 : 0);
const one =
  (act: (call: HelperCall, mask: Addr, cpu: number) => boolean | undefined): HelperBody =>
  (call) => {
    const { args } = call;
    const cpu = args.u32(0);
    const answer = cpu < cpus(call) ? act(call, args.addr(1), cpu) : false;
    bool(call, answer ?? false);
  };
const all =
  (is: boolean): HelperBody =>
  (call) => {
    for (let cpu = 0; cpu < cpus(call); cpu++) put(call, call.args.addr(0), cpu, is);
    call.args.ret(0, 0);
  };
/** dst = a OP b; whether anything is in it */
const combine =
  (op: (a: boolean, b: boolean) => boolean): HelperBody =>
  (call) => {
    const [to, a, b] = [call.args.addr(0), call.args.addr(1), call.args.addr(2)];
    let any = false;
    for (let cpu = 0; cpu < cpus(call); cpu++) {
      const is = op(has(call, a, cpu), has(call, b, cpu));
      put(call, to, cpu, is);
      any ||= is;
    }
    bool(call, any);
  };
const pair =
  (test: (a: boolean, b: boolean) => boolean, quantify: typeof every): HelperBody =>
  (call) => {
    const [a, b] = [call.args.addr(0), call.args.addr(1)];
    bool(
      call,
      quantify(call, (cpu) => test(has(call, a, cpu), has(call, b, cpu))),
    );
  };
const find =
  (test: (call: HelperCall, cpu: number) => boolean): HelperBody =>
  (call) =>
    call.args.retU32(first(call, (cpu) => test(call, cpu)));
const inFirst = (call: HelperCall, cpu: number): boolean => has(call, call.args.addr(0), cpu);
const inBoth = (call: HelperCall, cpu: number): boolean => inFirst(call, cpu) && has(call, call.args.addr(1), cpu);

export function releaseCpumask(call: HelperCall, at: Addr): void {
  const { memory, slab } = call.kernel;
  const left = memory.readU32(refs(call, at)) - 1;
  memory.writeU32(refs(call, at), left);
  if (left === 0) slab.kfree(at);
}

export const CPUMASK: HelperBodies = {
  bpf_cpumask_create: (call) => {
    const at = call.kernel.slab.kmalloc(call.kernel.structs.of('bpf_cpumask').size);
    call.kernel.memory.writeU32(refs(call, at), 1);
    call.args.retAddr(at);
  },
  bpf_cpumask_acquire: (call) => {
    const { memory } = call.kernel;
    const at = call.args.addr(0);
    memory.writeU32(refs(call, at), memory.readU32(refs(call, at)) + 1);
    call.args.retAddr(at);
  },
  bpf_cpumask_release: (call) => {
    releaseCpumask(call, call.args.addr(0));
    call.args.ret(0, 0);
  },
  bpf_cpumask_first: find(inFirst),
  bpf_cpumask_first_zero: find((call, cpu) => !inFirst(call, cpu)),
  bpf_cpumask_first_and: find(inBoth),
  bpf_cpumask_any_distribute: find(inFirst),
  bpf_cpumask_any_and_distribute: find(inBoth),
  bpf_cpumask_set_cpu: one((call, mask, cpu) => {
    put(call, mask, cpu, true);
    return undefined;
  }),
  bpf_cpumask_clear_cpu: one((call, mask, cpu) => {
    put(call, mask, cpu, false);
    return undefined;
  }),
  bpf_cpumask_test_cpu: one(has),
  bpf_cpumask_test_and_set_cpu: one((call, mask, cpu) => {
    const was = has(call, mask, cpu);
    put(call, mask, cpu, true);
    return was;
  }),
  bpf_cpumask_test_and_clear_cpu: one((call, mask, cpu) => {
    const was = has(call, mask, cpu);
    put(call, mask, cpu, false);
    return was;
  }),
  bpf_cpumask_setall: all(true),
  bpf_cpumask_clear: all(false),
  bpf_cpumask_and: combine((a, b) => a && b),
  bpf_cpumask_or: combine((a, b) => a || b),
  bpf_cpumask_xor: combine((a, b) => a !== b),
  bpf_cpumask_equal: pair((a, b) => a === b, every),
  bpf_cpumask_intersects: pair((a, b) => a && b, some),
  bpf_cpumask_subset: pair((a, b) => !a || b, every),
  bpf_cpumask_empty: (call) => bool(call, !some(call, (cpu) => inFirst(call, cpu))),
  bpf_cpumask_full: (call) =>
    bool(
      call,
      every(call, (cpu) => inFirst(call, cpu)),
    ),
  bpf_cpumask_copy: ({ args, kernel }) => {
    kernel.memory.writeBytes(args.addr(0), kernel.memory.readBytes(args.addr(1), BYTES));
    args.ret(0, 0);
  },
  bpf_cpumask_weight: (call) => {
    let weight = 0;
    for (let cpu = 0; cpu < cpus(call); cpu++) if (inFirst(call, cpu)) weight++;
    call.args.retU32(weight);
  },
};
