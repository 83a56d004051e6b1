/**
 * Global variables by name and type, as a skeleton gives them: `object.data.threshold = 5n` before
 * loading changes the section's image, afterwards it reads and writes the map.
 */
import { type Btf, type BtfValue, decodeValue, encodeValue } from '../btf/index.ts';
import { shownAs } from '../platform/index.ts';
import type { MapHandle } from './bpf-interface.ts';
import type { ExternDef, MapDef, MapOrigin, ObjectModel } from './model.ts';

/** One global variable. */
export interface Variable {
  readonly name: string;
  /** its type in the object's BTF */
  readonly type: number;
  /** in the section */
  readonly offset: number;
  readonly size: number;
  readonly isStatic: boolean;
}

/** Variables of one data section; each a property. */
export type Variables = { [name: string]: BtfValue };

/** Variables that the BTF places in a data map, by offset; of `.kconfig`, the externs that were laid out in it. */
export function variablesOf(btf: Btf | undefined, map: MapDef, externs: readonly ExternDef[]): Variable[] {
  if (btf && map.origin === 'kconfig') {
    return externs.flatMap((extern) => {
      const variable = btf.typeById(extern.btfId);
      if (extern.kind !== 'kconfig' || variable.kind !== 'var') return [];
      return [{ name: extern.name, type: variable.type, offset: extern.offset, size: extern.size, isStatic: false }];
    });
  }
  const datasec = btf?.typeById(map.btfValue);
  if (!btf || datasec?.kind !== 'datasec') return [];
  return datasec.vars.flatMap((secvar) => {
    const variable = btf.typeById(secvar.type);
    if (variable.kind !== 'var' || secvar.offset + secvar.size > map.valueSize) return [];
    return [
      {
        name: variable.name,
        type: variable.type,
        offset: secvar.offset,
        size: secvar.size,
        isStatic: variable.linkage === 'static',
      },
    ];
  });
}

const KEY0 = new Uint8Array(4);

/** The map's bytes: of the kernel where it is loaded, of the file before. */
function image(map: MapDef, handle: MapHandle | undefined): Uint8Array {
  return handle?.lookup(KEY0) ?? (map.data as Uint8Array);
}

/** An object with a property for each variable of the maps. */
export function variableAccess(
  btf: Btf | undefined,
  maps: readonly MapDef[],
  externs: readonly ExternDef[],
  handleOf: (map: MapDef) => MapHandle | undefined,
): Variables {
  const access: Variables = Object.create(null) as Variables;
  for (const map of maps) {
    for (const variable of variablesOf(btf, map, externs)) {
      if (variable.name in access) continue;
      Object.defineProperty(access, variable.name, {
        enumerable: true,
        get: () => decodeValue(btf as Btf, variable.type, image(map, handleOf(map)), variable.offset),
        set: (value: BtfValue) => {
          const handle = handleOf(map);
          const bytes = handle ? image(map, handle).slice() : (map.data as Uint8Array);
          encodeValue(btf as Btf, variable.type, value, bytes, variable.offset, variable.name);
          handle?.update(KEY0, bytes, 0);
        },
      });
    }
  }
  shownAs(access, (variables) => ({ ...variables }));
  return Object.seal(access);
}

/** Variables of all sections of one kind. */
export function sectionAccess(
  model: ObjectModel,
  origin: MapOrigin,
  handleOf: (map: MapDef) => MapHandle | undefined,
): Variables {
  return variableAccess(
    model.btf,
    model.maps.filter((m) => m.origin === origin),
    model.externs,
    handleOf,
  );
}
