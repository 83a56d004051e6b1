/** What `.maps` relocations put in tables: inner maps and programs of `__array(values, ...)`. */

import type { Btf, BtfSecVar } from '../../btf/index.ts';
import type { ElfFile, ElfSection } from '../../elf/index.ts';
import { BPF_MAP_TYPE } from '../../uapi/index.ts';
import { ObjectError } from '../error.ts';
import type { MapDef, ProgramDef } from '../model.ts';
import { valuesOffset } from './btf-defined.ts';
import { isMapInMap } from './names.ts';

const POINTER = 8;

/** The variable that holds a pointer at `offset`; variables are in order of offset. */
function holder(vars: readonly BtfSecVar[], offset: number): BtfSecVar | undefined {
  let low = 0;
  let high = vars.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((vars[middle] as BtfSecVar).offset <= offset) low = middle + 1;
    else high = middle;
  }
  const found = vars[low - 1];
  return found && offset + POINTER <= found.offset + found.size ? found : undefined;
}

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
  const byOffset = new Map(maps.filter((m) => m.section === section.index).map((m) => [m.offset, m]));
  const mapNames = new Set(maps.map((m) => `${m.section}:${m.name}`));
  const programNames = new Set(programs.map((p) => `${p.section}:${p.name}`));
  for (const relocations of elf.relocationSections(section)) {
    for (const { offset, symbol } of elf.relocations(relocations)) {
      const name = elf.symbolName(symbol);
      const fail = (message: string): ObjectError =>
        new ObjectError(file, 'section .maps', `the value '${name}' at offset ${offset}: ${message}`);
      const secvar = holder(datasec.vars, offset);
      const map = secvar && byOffset.get(secvar.offset);
      if (!secvar || !map || offset + POINTER > section.size) throw fail('it is in no map');
      const values = valuesOffset(btf, secvar.type);
      const at = offset - secvar.offset - values;
      if (values < 0 || at < 0 || at % POINTER !== 0) throw fail(`map '${map.name}' has no slot there`);
      const slot = at / POINTER;
      if (isMapInMap(map.type)) {
        if (map.type === BPF_MAP_TYPE.HASH_OF_MAPS && map.keySize !== 4)
          throw fail(`a hash of maps is filled by 4-byte keys, this has ${map.keySize}`);
        if (!mapNames.has(`${symbol.section}:${name}`)) throw fail('it is no map of .maps');
      } else if (map.type === BPF_MAP_TYPE.PROG_ARRAY) {
        if (!programNames.has(`${symbol.section}:${name}`)) throw fail('it is no program');
      } else throw fail(`map '${map.name}' takes neither maps nor programs`);
      while (map.slots.length < slot) map.slots.push('');
      map.slots[slot] = name;
    }
  }
}
