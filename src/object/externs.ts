/**
 * What an object takes from the kernel: undefined symbols that its BTF places in `.kconfig`
 * (`extern int CONFIG_HZ __kconfig`) or `.ksyms` (kernel variables and kfuncs).
 * An undefined symbol that is neither does not stop opening; it is an error once it is needed.
 */

import { type Btf, BtfEditor, BtfError } from '../btf/index.ts';
import type { ElfFile, ElfSymbol } from '../elf/index.ts';
import { BPF_F_MMAPABLE, BPF_F_RDONLY_PROG, BPF_MAP_TYPE } from '../uapi/index.ts';
import { blankMap, dataMapName } from './maps/names.ts';
import type { ExternDef, MapDef } from './model.ts';

/** Linkage numbers that externs get: `BTF_VAR_GLOBAL_ALLOCATED`, `BTF_FUNC_GLOBAL`. */
const GLOBAL = 1;

const isExtern = (symbol: ElfSymbol): boolean =>
  symbol.section === 0 && symbol.type === 'notype' && (symbol.binding === 'global' || symbol.binding === 'weak');

interface Placed {
  readonly section: string;
  readonly id: number;
}

/** Externs of the BTF by name: in which datasec, and which variable or function. */
function placedExterns(btf: Btf): Map<string, Placed> {
  const placed = new Map<string, Placed>();
  for (const datasec of btf.types()) {
    if (datasec.kind !== 'datasec') continue;
    for (const { type } of datasec.vars) {
      const what = btf.typeById(type);
      if ((what.kind === 'var' || what.kind === 'func') && what.linkage === 'extern' && !placed.has(what.name)) {
        placed.set(what.name, { section: datasec.name, id: type });
      }
    }
  }
  return placed;
}

/** How a kconfig variable's type takes its value. */
function kconfigType(btf: Btf, id: number): { type: NonNullable<ExternDef['type']>; signed: boolean } | undefined {
  const type = btf.resolve(id);
  switch (type.kind) {
    case 'int':
      if (type.bool) return type.size === 1 ? { type: 'bool', signed: false } : undefined;
      if (type.size === 1) return { type: 'char', signed: type.signed };
      return [2, 4, 8].includes(type.size) ? { type: 'int', signed: type.signed } : undefined;
    case 'enum':
    case 'enum64':
      return type.size === 4 && type.name === 'libbpf_tristate' ? { type: 'tristate', signed: false } : undefined;
    case 'array':
      return type.length > 0 && kconfigType(btf, type.type)?.type === 'char'
        ? { type: 'chars', signed: false }
        : undefined;
    default:
      return undefined;
  }
}

type Draft = ExternDef & { align: number };

function makeExtern(btf: Btf | undefined, symbol: ElfSymbol, placed: Placed | undefined): Draft {
  const base = {
    name: symbol.name,
    weak: symbol.binding === 'weak',
    symbol: symbol.index,
    btfId: placed?.id ?? 0,
    isFunc: false,
    type: undefined,
    signed: false,
    size: 0,
    offset: 0,
    typeId: 0,
    problem: undefined,
    align: 1,
  };
  const unresolvable = (problem: string): Draft => ({ ...base, kind: 'unresolvable', problem });
  if (!btf) return unresolvable('the object has no BTF that says what it is');
  if (!placed)
    return unresolvable('the BTF does not say what it is; declare it with __ksym or __kconfig, or define it');
  const what = btf.typeById(placed.id);
  if (what.kind !== 'var' && what.kind !== 'func') return unresolvable(`its BTF is a ${what.kind}`);
  const isFunc = what.kind === 'func';
  if (placed.section === '.ksyms') {
    const type = btf.resolve(what.type);
    // An untyped address: `extern const void sym __ksym`.
    return { ...base, kind: 'ksym', isFunc, typeId: type.kind === 'void' ? 0 : type.id };
  }
  if (placed.section !== '.kconfig')
    return unresolvable(`its section ${placed.section} is neither .ksyms nor .kconfig`);
  if (isFunc) return unresolvable('a function cannot be in .kconfig');
  const kconfig = kconfigType(btf, what.type);
  if (!kconfig)
    return unresolvable('its type is none that .kconfig has: bool, char, integers, enum libbpf_tristate, char arrays');
  return { ...base, kind: 'kconfig', ...kconfig, size: btf.sizeOf(what.type), align: btf.alignOf(what.type) };
}

const RANK = { kconfig: 0, ksym: 1, unresolvable: 2 } as const;
const byName = (a: ExternDef, b: ExternDef): number => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0);

/** All externs in libbpf's order: kconfig by alignment and size, then ksyms by name. */
export function collectExterns(elf: ElfFile, btf: Btf | undefined): ExternDef[] {
  const symbols = elf.symbols.filter(isExtern);
  if (symbols.length === 0) return [];
  const placed = btf ? placedExterns(btf) : new Map<string, Placed>();
  const drafts = symbols.map((symbol) => {
    try {
      return makeExtern(btf, symbol, placed.get(symbol.name));
    } catch (error) {
      if (error instanceof BtfError) return { ...makeExtern(undefined, symbol, undefined), problem: error.message };
      throw error;
    }
  });
  drafts.sort(
    (a, b) =>
      RANK[a.kind] - RANK[b.kind] || (a.kind === 'kconfig' ? b.align - a.align || a.size - b.size : 0) || byName(a, b),
  );
  let offset = 0;
  return drafts.map(({ align, ...extern }) => {
    if (extern.kind !== 'kconfig') return extern;
    extern.offset = Math.ceil(offset / align) * align;
    offset = extern.offset + extern.size;
    return extern;
  });
}

/** The map that holds kconfig values; undefined where there are none. */
export function kconfigMap(object: string, btf: Btf | undefined, externs: readonly ExternDef[]): MapDef | undefined {
  const values = externs.filter((e) => e.kind === 'kconfig');
  const last = values.at(-1);
  if (!last) return undefined;
  const map = blankMap(dataMapName(object, '.kconfig'), '.kconfig', 'kconfig', -1, 0);
  map.type = BPF_MAP_TYPE.ARRAY;
  map.keySize = 4;
  map.valueSize = last.offset + last.size;
  map.maxEntries = 1;
  map.flags = BPF_F_RDONLY_PROG | BPF_F_MMAPABLE;
  map.btfValue = btf?.findByName('.kconfig', 'datasec') ?? 0;
  map.data = new Uint8Array(map.valueSize);
  return map;
}

/**
 * BTF that the kernel takes: it knows no extern linkage and no functions in a datasec, so variables
 * become global, functions in `.ksyms` are replaced by a variable that stands for them, and both
 * datasecs get their layout.
 */
export function fixupExterns(btf: Btf, externs: readonly ExternDef[]): Btf {
  const editor = new BtfEditor(btf);
  const kconfig = new Map(externs.filter((e) => e.kind === 'kconfig').map((e) => [e.btfId, e]));
  let dummy: { variable: number; name: number; int: number } | undefined;
  const standIn = (): { variable: number; name: number; int: number } => {
    if (dummy) return dummy;
    let int = 0;
    for (const id of btf.findAllByName('int', 'int')) int ||= id;
    int ||= editor.addType([editor.addString('int'), 1 << 24, 4, (1 << 24) | 32]);
    const name = editor.addString('dummy_ksym');
    dummy = { variable: editor.addType([name, 14 << 24, int, GLOBAL]), name, int };
    return dummy;
  };
  for (const datasec of btf.types()) {
    if (datasec.kind !== 'datasec' || (datasec.name !== '.ksyms' && datasec.name !== '.kconfig')) continue;
    let end = 0;
    datasec.vars.forEach((secvar, n) => {
      const what = btf.typeById(secvar.type);
      if (datasec.name === '.kconfig') {
        const extern = kconfig.get(secvar.type);
        if (!extern || what.kind !== 'var') return;
        editor.setWord(what.id, 3, GLOBAL);
        editor.setWord(datasec.id, 4 + n * 3, extern.offset);
        end = Math.max(end, extern.offset + extern.size);
        return;
      }
      const { variable, name, int } = standIn();
      if (what.kind === 'func') {
        const proto = btf.typeById(what.type);
        if (proto.kind === 'func_proto') {
          proto.params.forEach((param, p) => {
            if (param.type !== 0 && param.name === '') editor.setWord(proto.id, 3 + p * 2, name);
          });
        }
        editor.setWord(what.id, 1, (12 << 24) | GLOBAL);
        editor.setWord(datasec.id, 3 + n * 3, variable);
      } else if (what.kind === 'var') {
        editor.setWord(what.id, 3, GLOBAL);
        editor.setWord(what.id, 2, int);
      }
      editor.setWord(datasec.id, 4 + n * 3, end);
      editor.setWord(datasec.id, 5 + n * 3, 4);
      end += 4;
    });
    editor.setWord(datasec.id, 2, end);
  }
  const vars = editor.finish();
  // The kernel wants offsets to rise; externs were laid out in another order than the datasec's.
  return sortKconfig(vars);
}

function sortKconfig(btf: Btf): Btf {
  const id = btf.findByName('.kconfig', 'datasec');
  const datasec = btf.typeById(id);
  if (datasec.kind !== 'datasec') return btf;
  const editor = new BtfEditor(btf);
  [...datasec.vars]
    .sort((a, b) => a.offset - b.offset)
    .forEach((secvar, n) => {
      editor.setWord(id, 3 + n * 3, secvar.type);
      editor.setWord(id, 4 + n * 3, secvar.offset);
      editor.setWord(id, 5 + n * 3, secvar.size);
    });
  return editor.finish();
}
