/** The BTF that goes to the kernel: what it takes, and static where hidden symbols ask for it. */
import { type Btf, BtfEditor } from '../btf/index.ts';
import { fixupExterns } from './externs.ts';
import type { ObjectModel } from './model.ts';

/** BTF for BPF_BTF_LOAD. */
export function btfForKernel(object: ObjectModel & { readonly btf: Btf }): Btf {
  const btf = fixupExterns(object.btf, object.externs);
  const programs = new Set(object.programs.map((p) => p.name));
  const hidden = new Set(object.functions.filter((f) => f.hidden && !programs.has(f.name)).map((f) => f.name));
  if (hidden.size === 0) return btf;
  const editor = new BtfEditor(btf);
  for (const type of btf.types()) {
    // Word 1: kind func (12), linkage static (0).
    if (type.kind === 'func' && type.linkage === 'global' && hidden.has(type.name))
      editor.setWord(type.id, 1, 12 << 24);
  }
  return editor.finish();
}
