/**
 * Array maps (Linux 6.12 Documentation/bpf/map_array.rst), and lookups by way of the map's operations, which is how
 * bpf_map_lookup_elem() works where the verifier did not know the map.
 */

import { BPF_EXIST, BPF_F_LOCK, BPF_NOEXIST } from '../../../src/uapi/index.ts';
import { type Assembler, at, type Label, mem, r8, rax, rcx, rdi, rdx, rsi, rsp } from '../../../src/x86/index.ts';
import { ERRNO } from '../../core/errno.ts';
import { addThisCpu, copyBytes, type Emit, type EmitContext, hyper, load, mov } from './context.ts';

/** include/uapi/linux/bpf.h */
const BPF_MAP_TYPE_PERCPU_ARRAY = 6;

const none = (a: Assembler): Assembler => a.op('xor r/m32, r32', rax, rax).op('ret');

/** eax = index that the key gives, masked as against speculation */
function index(a: Assembler, k: EmitContext, beyond: Label): void {
  a.op('mov r32, r/m32', rax, at(rsi, 0));
  a.op('cmp r32, r/m32', rax, at(rdi, k.maps.bpf_map.max_entries)).op('jae rel8', beyond);
  masked(a, k);
}
const masked = (a: Assembler, k: EmitContext): Assembler =>
  a.op('and r32, r/m32', rax, at(rdi, k.maps.bpf_array.index_mask));
/** `to` = address of the value with the index in rax; rcx is lost */
function valueAt(a: Assembler, k: EmitContext, to: number): void {
  const { elem_size, value } = k.maps.bpf_array;
  a.op('mov r32, r/m32', rcx, at(rdi, elem_size)).op('imul r64, r/m64', rax, rcx);
  a.op('lea r64, m', to, mem({ base: rdi, index: rax, scale: 1, disp: value }));
}
/** per-CPU pointer with the index in rax */
const percpuPointer = (a: Assembler, k: EmitContext, to: number): Assembler =>
  a.op('mov r64, r/m64', to, mem({ base: rdi, index: rax, scale: 8, disp: k.maps.bpf_array.pptrs }));

/** lookup(map, key) */
const lookup =
  (found: (a: Assembler, k: EmitContext) => void): Emit =>
  (a, k) => {
    const beyond = a.label();
    index(a, k, beyond);
    found(a, k);
    a.op('ret');
    a.bind(beyond);
    none(a);
  };
/** percpu_array_map_lookup_percpu_elem(map, key, cpu) */
const lookupPercpu: Emit = (a, k) => {
  const beyond = a.label();
  a.op('cmp r32, r/m32', rdx, mem({ target: k.data('nr_cpu_ids') })).op('jae rel8', beyond);
  index(a, k, beyond);
  percpuPointer(a, k, rax);
  a.op('mov r/m32, r32', rdx, rdx);
  a.op('add r64, r/m64', rax, mem({ index: rdx, scale: 8, disp: k.data('__per_cpu_offset') })).op('ret');
  a.bind(beyond);
  none(a);
};

/** array_map_update_elem(map, key, value, flags) of both kinds; what is done under the value's lock, or with fields that hold something, the host does. */
const update: Emit = (a, k) => {
  const { bpf_map: m } = k.maps;
  const [invalid, tooBig, exists, locked, percpu, copy] = Array.from({ length: 6 }, () => a.label()) as Labels;
  a.op('mov r32, r/m32', rax, at(rsi, 0));
  mov(a, r8, rcx).op('and r/m64, imm8', r8, ~BPF_F_LOCK).op('cmp r/m64, imm8', r8, BPF_EXIST).op('ja rel32', invalid);
  a.op('cmp r32, r/m32', rax, at(rdi, m.max_entries)).op('jae rel32', tooBig);
  a.op('test r/m8, imm8', rcx, BPF_NOEXIST).op('jne rel32', exists);
  a.op('test r/m8, imm8', rcx, BPF_F_LOCK).op('jne rel32', locked);
  a.op('cmp r/m64, imm8', at(rdi, m.record), 0).op('jne rel32', locked);
  masked(a, k);
  a.op('cmp r/m32, imm8', at(rdi, m.map_type), BPF_MAP_TYPE_PERCPU_ARRAY).op('je rel8', percpu);
  valueAt(a, k, r8);
  a.bind(copy);
  a.op('mov r32, r/m32', rcx, at(rdi, m.value_size));
  copyBytes(a, r8, rdx, rcx, rax);
  none(a);
  a.bind(percpu);
  percpuPointer(a, k, r8);
  addThisCpu(a, k, r8);
  a.op('jmp rel8', copy);
  for (const [label, errno] of [
    [invalid, ERRNO.EINVAL],
    [tooBig, ERRNO.E2BIG],
    [exists, ERRNO.EEXIST],
  ] as const) {
    a.bind(label);
    a.op('mov r/m64, imm32', rax, -errno).op('ret');
  }
  a.bind(locked);
  hyper(a, k, 'array_map_update_elem');
  a.op('ret');
};
type Labels = [Label, Label, Label, Label, Label, Label];

/** op(map, ...) by the map's table of operations. A call, where Linux jumps: the answer comes back here. */
const byOps =
  (op: 'map_lookup_elem' | 'map_lookup_percpu_elem'): Emit =>
  (a, k) => {
    load(a, rax, rdi, k.maps.bpf_map.ops);
    a.op('sub r/m64, imm8', rsp, 8);
    a.op('call r/m64', at(rax, k.maps.bpf_map_ops[op]));
    a.op('add r/m64, imm8', rsp, 8).op('ret');
  };

export const arrayMap: Readonly<Record<string, Emit>> = {
  array_map_lookup_elem: lookup((a, k) => valueAt(a, k, rax)),
  percpu_array_map_lookup_elem: lookup((a, k) => void addThisCpu(percpuPointer(a, k, rax), k, rax)),
  array_of_map_lookup_elem: lookup((a, k) => {
    valueAt(a, k, rax);
    load(a, rax, rax, 0);
  }),
  percpu_array_map_lookup_percpu_elem: lookupPercpu,
  array_map_update_elem: update,
  bpf_map_lookup_elem: byOps('map_lookup_elem'),
  bpf_map_lookup_percpu_elem: byOps('map_lookup_percpu_elem'),
};
