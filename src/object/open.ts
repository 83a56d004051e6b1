/** Opening: from the bytes of a file to all that it holds, as libbpf's `bpf_object__open`, with no kernel in sight. */

import { Btf, BtfError, type BtfExt, parseBtfExt } from '../btf/index.ts';
import { ElfFile, type ElfSection } from '../elf/index.ts';
import { decodeUtf8 } from '../platform/index.ts';
import { BPF_MAP_TYPE } from '../uapi/index.ts';
import { fixupDatasecs } from './btf-fixup.ts';
import { ObjectError } from './error.ts';
import { collectExterns, kconfigMap } from './externs.ts';
import { choosePrograms, collectFunctions, FunctionIndex, isCode } from './functions.ts';
import { btfDefinedMaps } from './maps/btf-defined.ts';
import { dataMaps } from './maps/globals.ts';
import { isLegacyMapSection, legacyMaps } from './maps/legacy.ts';
import { objectName } from './maps/names.ts';
import { collectSlots } from './maps/slots.ts';
import {
  adjustStructOpsAutoload,
  collectStructOpsPrograms,
  isStructOpsSection,
  structOpsMaps,
} from './maps/struct-ops.ts';
import type { FunctionDef, MapDef, ObjectModel } from './model.ts';
import { collectRelocs } from './relocs.ts';

/** A C string of a section, up to what the kernel's licence field holds. */
function text(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return decodeUtf8(bytes, 0, Math.min(end < 0 ? bytes.length : end, 63));
}

interface BtfParts {
  btf: Btf | undefined;
  btfExt: BtfExt | undefined;
}

/** `.BTF` and `.BTF.ext`. Broken data is an error only where the object cannot do without. */
function readBtf(elf: ElfFile, warn: (message: string) => void): BtfParts {
  const section = elf.section('.BTF');
  if (!section) return { btf: undefined, btfExt: undefined };
  const needed = elf.section('.maps') !== undefined || elf.sections.some((s) => isStructOpsSection(s.name));
  let btf: Btf;
  try {
    btf = fixupDatasecs(Btf.parse(section.data), elf);
  } catch (error) {
    if (!(error instanceof BtfError)) throw error;
    if (needed) throw new ObjectError(elf.name, 'section .BTF', error.message);
    warn(`section .BTF is ignored: ${error.message}`);
    return { btf: undefined, btfExt: undefined };
  }
  const ext = elf.section('.BTF.ext');
  if (!ext) return { btf, btfExt: undefined };
  try {
    return { btf, btfExt: parseBtfExt(ext.data, btf) };
  } catch (error) {
    if (!(error instanceof BtfError)) throw error;
    warn(`section .BTF.ext is ignored: ${error.message}`);
    return { btf, btfExt: undefined };
  }
}

/** Callbacks for exceptions, by program: `__exception_cb(name)` is a declaration tag on it. */
function exceptionCallbacks(btf: Btf | undefined): Map<string, string> {
  const out = new Map<string, string>();
  const PREFIX = 'exception_callback:';
  if (!btf) return out;
  for (const tag of btf.types()) {
    if (tag.kind !== 'decl_tag' || tag.component !== -1 || !tag.name.startsWith(PREFIX)) continue;
    const f = btf.typeById(tag.type);
    if (f.kind === 'func') out.set(f.name, tag.name.slice(PREFIX.length));
  }
  return out;
}

/** Functions that code refers to by a call or an address, or by calls without a relocation. */
function calledFunctions(functions: readonly FunctionDef[], index: FunctionIndex): Set<FunctionDef> {
  const called = new Set<FunctionDef>();
  for (const f of functions) {
    const relocated = new Map(f.relocs.map((r) => [r.insn, r]));
    f.insns.forEach((insn, at) => {
      const reloc = relocated.get(at);
      let target: FunctionDef | undefined;
      if (reloc?.kind === 'call') target = index.at(reloc.section, reloc.offset / 8 + insn.imm + 1);
      else if (reloc?.kind === 'func') target = index.at(reloc.section, (reloc.offset + insn.imm) / 8);
      else if (!reloc && insn.code === 0x85 && insn.src === 1)
        target = index.at(f.section, f.start + at + insn.imm + 1);
      if (target && target !== f) called.add(target);
    });
  }
  return called;
}

/** Opens an object. @throws ElfError, BtfError, ObjectError */
export function openObject(bytes: Uint8Array, file: string): ObjectModel {
  const warnings: string[] = [];
  const warn = (message: string): void => {
    warnings.push(message);
  };
  const elf = ElfFile.parse(bytes, file);
  const name = objectName(file);
  const { btf, btfExt } = readBtf(elf, warn);
  const version = elf.section('version');
  if (version && version.data.length < 4)
    throw new ObjectError(file, 'section version', `${version.data.length} bytes are no u32`);

  const functions = collectFunctions(file, elf);
  const index = new FunctionIndex(functions);
  const externs = collectExterns(elf, btf);

  const maps: MapDef[] = [];
  const dotMaps = elf.section('.maps');
  if (dotMaps) {
    if (!btf)
      throw new ObjectError(file, 'section .maps', 'maps are defined by BTF, and the object has none; compile with -g');
    maps.push(...btfDefinedMaps(file, dotMaps, btf, warn));
  }
  const legacy: ElfSection[] = [];
  for (const section of elf.sections) {
    if (!isLegacyMapSection(section.name) || isCode(section)) continue;
    legacy.push(section);
    warn(
      `section ${section.name}: legacy map definitions, which libbpf 1.0 and later refuse; taken as libbpf 0.x and iproute2 did`,
    );
  }
  maps.push(...legacyMaps(file, elf, legacy));
  maps.push(...dataMaps(file, name, elf, btf));
  const kconfig = kconfigMap(name, btf, externs);
  if (kconfig) maps.push(kconfig);
  const structOps = elf.sections.filter((s) => isStructOpsSection(s.name));
  if (btf) for (const section of structOps) maps.push(...structOpsMaps(file, section, btf));

  const arenaSection = elf.section('.addr_space.1');
  const arena = maps.findIndex((m) => m.type === BPF_MAP_TYPE.ARENA);
  if (arenaSection && arenaSection.size > 0 && arena < 0) {
    throw new ObjectError(file, 'section .addr_space.1', 'variables in an arena need an arena map in SEC(".maps")');
  }
  if (arenaSection?.data.some((byte) => byte !== 0)) {
    warn('section .addr_space.1: initial values of arena variables are not written; they start as 0');
  }
  const relocMaps =
    arena < 0 || !arenaSection ? maps : [...maps, { ...(maps[arena] as MapDef), origin: 'arena' as const }];
  collectRelocs(file, elf, { functions: index, maps: relocMaps, externs, arenaSection: arenaSection?.index ?? 0 });

  const programs = choosePrograms(functions, calledFunctions(functions, index), exceptionCallbacks(btf), warn);
  if (btf && dotMaps) collectSlots(file, elf, dotMaps, btf, maps, programs);
  if (btf) for (const section of structOps) collectStructOpsPrograms(file, elf, section, btf, maps, programs);
  adjustStructOpsAutoload(maps, programs);

  const license = elf.section('license') ?? elf.section('.license');
  return {
    file,
    name,
    elf,
    btf,
    btfExt,
    license: license ? text(license.data) : '',
    version: version ? new DataView(version.data.buffer, version.data.byteOffset, 4).getUint32(0, true) : 0,
    functions,
    programs,
    maps,
    externs,
    warnings,
  };
}
