/**
 * The value of a struct_ops map as the kernel takes it: its own structure, filled from the object's
 * member by member by name, with descriptors of programs where function pointers are.
 */
import type { Btf, BtfComposite } from '../btf/index.ts';
import { ObjectError } from './error.ts';
import { kernelStructOps } from './maps/struct-ops.ts';
import type { MapDef, ObjectModel } from './model.ts';

/** Whether a slice of bytes holds anything. */
const isZero = (bytes: Uint8Array): boolean => bytes.every((byte) => byte === 0);

/**
 * @param btf the kernel's
 * @param fdOf descriptor of a loaded program
 * @throws ObjectError where the kernel's structure lacks a member that is set, or has it with another size
 */
export function structOpsValue(
  object: ObjectModel,
  map: MapDef,
  btf: Btf,
  fdOf: (program: string) => number | undefined,
): Uint8Array {
  const fail = (message: string): ObjectError => new ObjectError(object.file, `struct_ops '${map.name}'`, message);
  const own = object.btf as Btf;
  const local = own.typeById(map.structOps?.type ?? 0) as BtfComposite;
  const name = local.name.replace(/___.*$/, '');
  const kernel = kernelStructOps(btf, name);
  if (!kernel) throw fail(`the kernel has no struct_ops '${name}'`);
  const value = new Uint8Array(btf.sizeOf(kernel.wrapper));
  const start = btf.offsetOf(kernel.wrapper, 'data').offset;
  const data = map.data as Uint8Array;
  for (const [index, member] of local.members.entries()) {
    const from = member.bitOffset / 8;
    const size = own.sizeOf(member.type);
    const program = map.structOps?.programs.get(index);
    const bytes = data.subarray(from, from + size);
    const at = kernel.member(member.name);
    if (at < 0) {
      // Members that an older kernel lacks may stay unset.
      if (program === undefined && isZero(bytes)) continue;
      throw fail(`the kernel's struct ${name} has no member '${member.name}'`);
    }
    const field = btf.offsetOf(kernel.id, member.name);
    if (program !== undefined) {
      const fd = fdOf(program);
      if (fd !== undefined) new DataView(value.buffer).setBigUint64(start + field.offset, BigInt(fd), true);
      continue;
    }
    if (member.bitfieldSize > 0 || field.bitfieldSize > 0) {
      if (!isZero(bytes)) throw fail(`member '${member.name}' is a bitfield, which libbpf does not carry over either`);
      continue;
    }
    const isPointer = own.resolve(member.type).kind === 'ptr';
    if (isPointer && !isZero(bytes)) throw fail(`member '${member.name}' is a pointer to what is no program`);
    if (field.size !== size) throw fail(`member '${member.name}' has ${size} bytes, the kernel's ${field.size}`);
    value.set(bytes, start + field.offset);
  }
  return value;
}
