/**
 * Contexts of control group hooks: `struct bpf_sysctl`, `struct bpf_sockopt`, `struct bpf_cgroup_dev_ctx`.
 * kernel/bpf/cgroup.c, Linux 6.12.
 */

import { ldx, storeAs, stx } from '../../../src/isa/build.ts';
import type { Insn } from '../../../src/isa/index.ts';
import { attachType } from '../../../src/uapi/index.ts';
import type { ContextModel } from '../../../src/verifier/kernel.ts';
import type { ContextEnv } from './env.ts';
import { type Conversion, type Field, place, tableModel } from './fields.ts';
import { freeRegister } from './scratch.ts';

/** A store through pointers that the context holds: a register is borrowed, kept in ctx->tmp_reg. */
function storeThrough(struct: string, pointers: readonly (readonly [string, string])[], size: number, offset: number) {
  return (i: Insn, { layout, dst }: Conversion): Insn[] => {
    const reg = freeRegister(i);
    const keep = layout.field(struct, 'tmp_reg').offset;
    const chain = pointers.map(([of, member], n) => ldx(8, reg, n === 0 ? dst : reg, layout.field(of, member).offset));
    return [stx(8, dst, reg, keep), ...chain, storeAs(i, size, reg, offset), ldx(8, reg, dst, keep)];
  };
}

const SYSCTL = place([
  { name: 'write', size: 4, read: 'narrow', path: 'bpf_sysctl_kern.write' },
  {
    name: 'file_pos',
    size: 4,
    read: 'narrow',
    write: true,
    // ppos is 64 bits wide; its low half is at the start on a little-endian machine
    load: (_, c) => {
      c.target.size = 4;
      return [ldx(8, c.dst, c.src, c.layout.field('bpf_sysctl_kern', 'ppos').offset), ldx(4, c.dst, c.dst, 0)];
    },
    store: storeThrough('bpf_sysctl_kern', [['bpf_sysctl_kern', 'ppos']], 4, 0),
  },
]);
export const sysctlContext = (env: ContextEnv): ContextModel => tableModel(env.layout, 'bpf_sysctl', SYSCTL);

const KERN = 'bpf_sockopt_kern';
const SET = new Set([attachType('cgroup_setsockopt')]);
const GET = new Set([attachType('cgroup_getsockopt')]);
const own = (name: string, more: Partial<Field> = {}): Field => ({
  name,
  size: 4,
  read: 'full',
  path: `${KERN}.${name}`,
  store: (i, { layout, dst }) => [storeAs(i, 4, dst, layout.field(KERN, name).offset)],
  ...more,
});
const SOCKOPT = place([
  { name: 'sk', size: 8, read: 'full', regType: 'PTR_TO_SOCKET', path: `${KERN}.sk` },
  { name: 'optval', size: 8, read: 'full', regType: 'PTR_TO_PACKET', path: `${KERN}.optval` },
  { name: 'optval_end', size: 8, read: 'full', regType: 'PTR_TO_PACKET_END', path: `${KERN}.optval_end` },
  own('level', { write: true, writeFor: SET }),
  own('optname', { write: true, writeFor: SET }),
  own('optlen', { write: true }),
  {
    name: 'retval',
    size: 4,
    read: 'full',
    write: true,
    only: GET,
    load: (_, { layout, dst, src }) => [
      ldx(8, dst, src, layout.field(KERN, 'current_task').offset),
      ldx(8, dst, dst, layout.field('task_struct', 'bpf_ctx').offset),
      ldx(4, dst, dst, layout.field('bpf_cg_run_ctx', 'retval').offset),
    ],
    store: (i, c) =>
      storeThrough(
        KERN,
        [
          [KERN, 'current_task'],
          ['task_struct', 'bpf_ctx'],
        ],
        4,
        c.layout.field('bpf_cg_run_ctx', 'retval').offset,
      )(i, c),
  },
]);
export const sockoptContext = (env: ContextEnv): ContextModel =>
  tableModel(env.layout, 'bpf_sockopt', SOCKOPT, { prologue: () => [] });

const DEVICE = place([
  { name: 'access_type', size: 4, read: 'narrow' },
  { name: 'major', size: 4, read: 'full' },
  { name: 'minor', size: 4, read: 'full' },
]);
/** Nothing is converted: the kernel's structure is the program's. */
export const cgroupDeviceContext = (env: ContextEnv): ContextModel => {
  const { convert: _, ...model } = tableModel(env.layout, 'bpf_cgroup_dev_ctx', DEVICE);
  return model;
};
