/** Global variables as maps: one array of one element for `.data`, `.rodata`, `.bss` and each of their named variants. */

import type { Btf } from '../../btf/index.ts';
import { type ElfFile, type ElfSection, SHF_EXECINSTR, SHT_NOBITS, SHT_PROGBITS } from '../../elf/index.ts';
import { BPF_F_MMAPABLE, BPF_F_RDONLY_PROG, BPF_MAP_TYPE } from '../../uapi/index.ts';
import { ObjectError } from '../error.ts';
import type { MapDef } from '../model.ts';
import { blankMap, dataMapName } from './names.ts';

/** Largest array element that the kernel makes, KMALLOC_MAX_SIZE and more: what a header may claim for `.bss`. */
const MAX_DATA = 64 * 1024 * 1024;
/** Bytes that all `.bss` sections together may claim. */
const MAX_ZEROED = 4 * MAX_DATA;

/** Which data a section's name says it holds. */
export function dataOrigin(section: ElfSection): 'data' | 'rodata' | 'bss' | undefined {
  const is = (stem: string): boolean => section.name === stem || section.name.startsWith(`${stem}.`);
  if (section.type === SHT_NOBITS) return is('.bss') ? 'bss' : undefined;
  if (section.type !== SHT_PROGBITS || (section.flags & SHF_EXECINSTR) !== 0) return undefined;
  if (is('.data')) return 'data';
  return is('.rodata') ? 'rodata' : undefined;
}

/** Whether user space may map it: some variable of it is not static. */
function mmapable(btf: Btf, datasec: number): boolean {
  const type = btf.typeById(datasec);
  if (type.kind !== 'datasec') return false;
  return type.vars.some((v) => {
    const variable = btf.typeById(v.type);
    return variable.kind === 'var' && variable.linkage !== 'static';
  });
}

/** A map for one data section. */
export function dataMap(
  file: string,
  object: string,
  section: ElfSection,
  origin: 'data' | 'rodata' | 'bss',
  btf: Btf | undefined,
): MapDef {
  if (section.size > MAX_DATA)
    throw new ObjectError(
      file,
      `section ${section.name}`,
      `${section.size} bytes are more than a map element may have`,
    );
  const map = blankMap(dataMapName(object, section.name), section.name, origin, section.index, 0);
  map.type = BPF_MAP_TYPE.ARRAY;
  map.keySize = 4;
  map.valueSize = section.size;
  map.maxEntries = 1;
  map.flags = origin === 'rodata' ? BPF_F_RDONLY_PROG : 0;
  map.btfValue = btf?.findByName(section.name, 'datasec') ?? 0;
  if (btf && map.btfValue !== 0 && mmapable(btf, map.btfValue)) map.flags |= BPF_F_MMAPABLE;
  // Made when it is first looked at: a header may claim any size for .bss.
  let data: Uint8Array | undefined;
  return Object.defineProperty(map, 'data', {
    enumerable: true,
    get: () => {
      data ??= origin === 'bss' ? new Uint8Array(section.size) : section.data.slice();
      return data;
    },
  });
}

/** Maps for all data sections, in the file's order. @throws ObjectError */
export function dataMaps(file: string, object: string, elf: ElfFile, btf: Btf | undefined): MapDef[] {
  let zeroed = 0;
  return elf.sections.flatMap((section) => {
    const origin = dataOrigin(section);
    if (origin === undefined || section.size === 0) return [];
    if (origin === 'bss') zeroed += section.size;
    if (zeroed > MAX_ZEROED) {
      throw new ObjectError(file, `section ${section.name}`, `variables of ${zeroed} bytes in all are too many`);
    }
    return [dataMap(file, object, section, origin, btf)];
  });
}
