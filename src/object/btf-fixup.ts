/**
 * What libbpf puts right in an object's BTF before anything reads it: clang cannot know section
 * sizes and variable offsets (they are relocations that it leaves to the loader), and hidden
 * symbols count as static.
 */
import { type Btf, BtfEditor } from '../btf/index.ts';
import type { ElfFile, ElfSymbol } from '../elf/index.ts';

/** Datasecs that describe externs: their layout is decided when those are collected. */
const EXTERN_SECTIONS = new Set(['.kconfig', '.ksyms']);
/** Linkage number of a static variable, `BTF_VAR_STATIC`. */
const VAR_STATIC = 0;

/** BTF with the sizes and offsets of its datasecs filled in, and their variables in order of offset. */
export function fixupDatasecs(btf: Btf, elf: ElfFile): Btf {
  const editor = new BtfEditor(btf);
  const variables = new Map<string, ElfSymbol>();
  for (const symbol of elf.symbols) {
    if (symbol.type === 'object' && symbol.binding !== 'local' && !variables.has(symbol.name))
      variables.set(symbol.name, symbol);
  }
  for (const datasec of btf.types()) {
    if (datasec.kind !== 'datasec' || EXTERN_SECTIONS.has(datasec.name)) continue;
    const section = elf.section(datasec.name);
    if (!section) continue;
    editor.setWord(datasec.id, 2, section.size);
    const order = datasec.vars.map((secvar) => {
      const variable = btf.typeById(secvar.type);
      if (variable.kind !== 'var' || variable.linkage === 'static') return { ...secvar };
      const symbol = variables.get(variable.name);
      if (!symbol || symbol.section !== section.index) return { ...secvar };
      const hidden = symbol.visibility === 'hidden' || symbol.visibility === 'internal';
      if (hidden && datasec.name !== '.maps') editor.setWord(variable.id, 3, VAR_STATIC);
      return { ...secvar, offset: symbol.value >>> 0 };
    });
    order.sort((a, b) => a.offset - b.offset);
    order.forEach((secvar, n) => {
      editor.setWord(datasec.id, 3 + n * 3, secvar.type);
      editor.setWord(datasec.id, 4 + n * 3, secvar.offset);
      editor.setWord(datasec.id, 5 + n * 3, secvar.size);
    });
  }
  return editor.finish();
}
