/**
 * Variables of `.struct_ops` and `.struct_ops.link` (and their optional `?` forms): one map each,
 * whose value is the kernel's structure with programs in its function pointers
 * (Linux 6.12 Documentation/bpf/libbpf/program_types.rst, struct_ops).
 */

import { type Btf, findMember } from '../../btf/index.ts';
import { type ElfFile, type ElfSection, SHN_LORESERVE } from '../../elf/index.ts';
import { INSN_SIZE } from '../../isa/index.ts';
import { BPF_F_LINK, BPF_MAP_TYPE, BPF_PROG_TYPE } from '../../uapi/index.ts';
import { ObjectError } from '../error.ts';
import type { MapDef, ProgramDef } from '../model.ts';
import { blankMap } from './names.ts';

export const isStructOpsSection = (name: string): boolean => /^\??\.struct_ops(\.link)?$/.test(name);

/** Maps of one such section. @throws ObjectError */
export function structOpsMaps(file: string, section: ElfSection, btf: Btf): MapDef[] {
  const datasec = btf.typeById(btf.findByName(section.name, 'datasec'));
  if (datasec.kind !== 'datasec')
    throw new ObjectError(file, `section ${section.name}`, 'the BTF does not describe it; compile with -g');
  let end = 0;
  return datasec.vars.map((secvar) => {
    const variable = btf.typeById(secvar.type);
    const type = variable.kind === 'var' ? btf.resolve(variable.type) : variable;
    const fail = (message: string): ObjectError => new ObjectError(file, `struct_ops '${variable.name}'`, message);
    if (variable.kind !== 'var' || type.kind !== 'struct' || type.name === '')
      throw fail('it is not a variable of a named struct');
    if (secvar.offset + type.size > section.data.length)
      throw fail(`${type.size} bytes at ${secvar.offset} lie beyond the section's end`);
    if (secvar.offset < end) throw fail('it overlaps another variable');
    end = secvar.offset + type.size;
    const map = blankMap(variable.name, variable.name, 'struct_ops', section.index, secvar.offset);
    map.type = BPF_MAP_TYPE.STRUCT_OPS;
    map.keySize = 4;
    map.valueSize = type.size;
    map.maxEntries = 1;
    map.flags = section.name.endsWith('.link') ? BPF_F_LINK : 0;
    map.data = section.data.slice(secvar.offset, secvar.offset + type.size);
    map.autocreate = !section.name.startsWith('?');
    map.structOps = { type: type.id, programs: new Map() };
    return map;
  });
}

/** Puts programs in the members that relocations name. @throws ObjectError */
export function collectStructOpsPrograms(
  file: string,
  elf: ElfFile,
  section: ElfSection,
  btf: Btf,
  maps: readonly MapDef[],
  programs: readonly ProgramDef[],
): void {
  for (const relocations of elf.relocationSections(section)) {
    for (const { offset, symbol } of elf.relocations(relocations)) {
      const map = maps.find(
        (m) => m.section === section.index && offset >= m.offset && offset < m.offset + m.valueSize,
      );
      const fail = (message: string): ObjectError =>
        new ObjectError(file, `struct_ops '${map?.name ?? section.name}'`, message);
      if (!map?.structOps) throw fail(`the relocation of '${elf.symbolName(symbol)}' at ${offset} is in no variable`);
      if (symbol.section >= SHN_LORESERVE || symbol.section === 0)
        throw fail(`'${elf.symbolName(symbol)}' is not a function of this object`);
      const struct = btf.typeById(map.structOps.type);
      const bit = (offset - map.offset) * 8;
      const index = struct.kind === 'struct' ? struct.members.findIndex((m) => m.bitOffset === bit) : -1;
      const member = struct.kind === 'struct' ? struct.members[index] : undefined;
      if (!member) throw fail(`no member is at offset ${bit / 8}`);
      const pointer = btf.resolve(member.type);
      if (pointer.kind !== 'ptr' || btf.resolve(pointer.type).kind !== 'func_proto')
        throw fail(`member '${member.name}' is no function pointer`);
      const view = new DataView(section.data.buffer, section.data.byteOffset, section.data.length);
      const addend = offset + 8 <= section.data.length ? Number(view.getBigInt64(offset, true)) : 0;
      const insn = (symbol.value + addend) / INSN_SIZE;
      const program = programs.find((p) => p.section === symbol.section && p.start === insn);
      if (!program) throw fail(`what member '${member.name}' points to is no program`);
      if (program.type !== BPF_PROG_TYPE.STRUCT_OPS)
        throw fail(`program '${program.name}' of section ${program.rawSectionName} is not SEC("struct_ops")`);
      map.structOps.programs.set(index, program.name);
    }
  }
}

/** struct_ops programs load when a map that is created uses them, or when none mentions them. */
export function adjustStructOpsAutoload(maps: readonly MapDef[], programs: readonly ProgramDef[]): void {
  const uses = new Map<string, boolean>();
  for (const map of maps) {
    for (const name of map.structOps?.programs.values() ?? [])
      uses.set(name, (uses.get(name) ?? false) || map.autocreate);
  }
  for (const program of programs) {
    const wanted = uses.get(program.name);
    if (program.type === BPF_PROG_TYPE.STRUCT_OPS && wanted !== undefined) program.autoload = wanted;
  }
}

/** Where the kernel keeps a struct_ops type: its BTF id, and the index of a member by name. */
export function kernelStructOps(
  btf: Btf,
  name: string,
): { id: number; wrapper: number; member: (name: string) => number } | undefined {
  const id = btf.findByName(name, 'struct');
  const wrapper = btf.findByName(`bpf_struct_ops_${name}`, 'struct');
  const type = btf.typeById(id);
  if (wrapper === 0 || type.kind !== 'struct' || !findMember(btf, btf.typeById(wrapper) as typeof type, 'data'))
    return undefined;
  return { id, wrapper, member: (member) => type.members.findIndex((m) => m.name === member) };
}
