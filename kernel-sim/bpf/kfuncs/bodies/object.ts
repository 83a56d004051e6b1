/**
 * Objects of programs' own types: bpf_obj_new and its kin (Linux 6.12 Documentation/bpf/kfuncs.rst, graph_ds_impl.rst). What the kernel
 * looks after in them (references counted, lists, trees, kptrs) is said by the type's `struct btf_struct_meta`, which calls pass.
 */
import type { Addr } from '../../../../src/machine/addr.ts';
import { isKptr, Records, type SpecialField } from '../../../../src/verifier/access/record.ts';
import type { HelperBodies, HelperBody, HelperCall } from '../../helpers/bodies/call.ts';
import { releaseCpumask } from './cpumask.ts';
import { drainList, emptyList } from './list.ts';
import { drainTree } from './tree.ts';

/** Fields of the type that a `struct btf_struct_meta` is of; none where the call passes none. */
export function fieldsOf({ state, kernel }: HelperCall, meta: Addr): readonly SpecialField[] {
  if (meta === 0) return [];
  for (const object of state.btfs.all()) {
    const typeId = object.metaType(meta);
    if (typeId !== undefined) return new Records(() => kernel.btf).ofType(object.btf, typeId);
  }
  return [];
}
const offsetOf = (fields: readonly SpecialField[], kind: SpecialField['kind']): number | undefined =>
  fields.find((f) => f.kind === kind)?.offset;

/** `bpf_obj_init`: one reference, empty lists. */
function init(call: HelperCall, at: Addr, fields: readonly SpecialField[]): void {
  const count = offsetOf(fields, 'bpf_refcount');
  if (count !== undefined) call.kernel.memory.writeU32(at + count, 1);
  for (const field of fields) if (field.kind === 'bpf_list_head') emptyList(call, at + field.offset);
}
/** `bpf_obj_free_fields`: what the object holds goes with it. */
export function freeFields(call: HelperCall, at: Addr, fields: readonly SpecialField[]): void {
  const { memory } = call.kernel;
  for (const field of fields) {
    const place = at + field.offset;
    if (field.kind === 'bpf_list_head' || field.kind === 'bpf_rb_root') {
      const { btf, contains } = field;
      if (btf === undefined || contains === undefined) continue;
      const inner = new Records(() => call.kernel.btf).ofType(btf, contains.typeId);
      const drain = field.kind === 'bpf_list_head' ? drainList : drainTree;
      drain(call, place, (node) => dropObject(call, node - contains.nodeOffset, inner));
    } else if (isKptr(field.kind)) {
      const held = memory.readAddr(place);
      memory.writeAddr(place, 0);
      if (held !== 0) letGo(call, held, field);
    } else if (field.kind === 'bpf_timer' || field.kind === 'bpf_wq') {
      call.timers.delete(place);
      memory.fillBytes(place, 0, field.size);
    }
  }
}
/** What a kptr pointed to: an object of a program's own type, or of the kernel's, which has a destructor (`id_dtor_kfunc`). */
function letGo(call: HelperCall, held: Addr, { kind, btf, typeId }: SpecialField): void {
  if (kind === 'kptr_untrusted' || btf === undefined || typeId === undefined) return;
  if (kind === 'percpu_kptr') call.kernel.percpu.free(held);
  else if (btf !== call.kernel.btf) dropObject(call, held, new Records(() => call.kernel.btf).ofType(btf, typeId));
  // tasks and cgroups live as long as the model has them
  else if (btf.typeById(typeId).name === 'bpf_cpumask') releaseCpumask(call, held);
}
/** `__bpf_obj_drop_impl`: the last of its references frees it. */
export function dropObject(call: HelperCall, at: Addr, fields: readonly SpecialField[]): void {
  const { memory, slab } = call.kernel;
  const count = offsetOf(fields, 'bpf_refcount');
  if (count !== undefined) {
    const left = memory.readU32(at + count) - 1;
    memory.writeU32(at + count, left);
    if (left > 0) return;
  }
  freeFields(call, at, fields);
  slab.kfree(at);
}

/** The verifier puts the size into the first argument. */
const create: HelperBody = (call) => {
  const { args, kernel } = call;
  const size = args.u32(0);
  const fields = fieldsOf(call, args.addr(1));
  const at = size === 0 ? 0 : kernel.slab.kmalloc(size);
  if (at !== 0) init(call, at, fields);
  args.retAddr(at);
};
const drop: HelperBody = (call) => {
  const at = call.args.addr(0);
  if (at !== 0) dropObject(call, at, fieldsOf(call, call.args.addr(1)));
  call.args.ret(0, 0);
};
/** One value for each CPU; what programs have is the address to which a CPU's offset is added. */
const createPerCpu: HelperBody = ({ args, kernel }) => {
  const size = args.u32(0);
  args.retAddr(size === 0 ? 0 : kernel.percpu.alloc(size));
};
const dropPerCpu: HelperBody = ({ args, kernel }) => {
  if (args.addr(0) !== 0) kernel.percpu.free(args.addr(0));
  args.ret(0, 0);
};
/** A further reference; none of an object that nobody refers to any more. */
const acquire: HelperBody = (call) => {
  const { args, kernel } = call;
  const count = offsetOf(fieldsOf(call, args.addr(1)), 'bpf_refcount');
  const at = args.addr(0);
  if (count === undefined) return args.ret(0, 0);
  const now = kernel.memory.readU32(at + count);
  if (now > 0) kernel.memory.writeU32(at + count, now + 1);
  args.retAddr(now > 0 ? at : 0);
};

export const OBJECT: HelperBodies = {
  bpf_obj_new_impl: create,
  bpf_obj_drop_impl: drop,
  bpf_percpu_obj_new_impl: createPerCpu,
  bpf_percpu_obj_drop_impl: dropPerCpu,
  bpf_refcount_acquire_impl: acquire,
};
