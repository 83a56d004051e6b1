/** What `.maps` relocations put in tables: inner maps and programs of `__array(values, ...)`. */

import { BPF_MAP_TYPE } from '../../../kernel-sim/bpf/uapi/index.ts';
import type { Btf } from '../../btf/index.ts';
import type { ElfFile, ElfSection } from '../../elf/index.ts';
import { ObjectError } from '../error.ts';
import type { MapDef, ProgramDef } from '../model.ts';
import { valuesOffset } from './btf-defined.ts';
import { isMapInMap } from './names.ts';

const POINTER = 8;
/** A table has at most as many slots as its relocations may name. */
const MAX_SLOTS = 1 << 20;

/** Fills {@link MapDef.slots}. @throws ObjectError */
export function collectSlots(
  file: string,
  elf: ElfFile,
  section: ElfSection,
  btf: Btf,
  maps: readonly MapDef[],
  programs: readonly ProgramDef[],
): void {
  const datasec = btf.typeById(btf.findByName('.maps', 'datasec'));
  if (datasec.kind !== 'datasec') return;
  const ordered = maps.filter((m) => m.section === section.index).sort((a, b) => a.offset - b.offset);
  for (const relocations of elf.relocationSections(section)) {
    for (const { offset, symbol } of elf.relocations(relocations)) {
      const name = elf.symbolName(symbol);
      const fail = (message: string): ObjectError =>
        new ObjectError(file, 'section .maps', `the value '${name}' at offset ${offset}: ${message}`);
      const index = datasec.vars.findIndex((v) => offset >= v.offset && offset + POINTER <= v.offset + v.size);
      const secvar = datasec.vars[index];
      const map = secvar && ordered.find((m) => m.offset === secvar.offset);
      if (!secvar || !map) throw fail('it is in no map');
      const values = valuesOffset(btf, secvar.type);
      const at = offset - secvar.offset - values;
      if (values < 0 || at < 0 || at % POINTER !== 0) throw fail(`map '${map.name}' has no slot there`);
      const slot = at / POINTER;
      if (slot >= MAX_SLOTS) throw fail(`map '${map.name}' has too many slots`);
      if (isMapInMap(map.type)) {
        if (map.type === BPF_MAP_TYPE.HASH_OF_MAPS && map.keySize !== 4)
          throw fail(`a hash of maps is filled by 4-byte keys, this has ${map.keySize}`);
        if (!maps.some((m) => m.name === name && m.section === symbol.section)) throw fail('it is no map of .maps');
      } else if (map.type === BPF_MAP_TYPE.PROG_ARRAY) {
        if (!programs.some((p) => p.name === name && p.section === symbol.section)) throw fail('it is no program');
      } else throw fail(`map '${map.name}' takes neither maps nor programs`);
      while (map.slots.length < slot) map.slots.push('');
      map.slots[slot] = name;
    }
  }
}
