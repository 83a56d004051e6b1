/** The kernel that an object is relocated for, as data: nothing is loaded into it here. */
import { type Btf, essentialName } from '../btf/index.ts';
import { typesCompatible } from './core/compat.ts';
import { ObjectError } from './error.ts';
import type { ExternDef, ObjectModel } from './model.ts';

export interface Target {
  /** the kernel's BTF: for CO-RE, ksyms and what programs attach to */
  readonly btf?: Btf | undefined;
  /** BTF for CO-RE in its place, as libbpf's `btf_custom_path` */
  readonly coreBtf?: Btf | undefined;
  /** address of a kernel symbol, from kallsyms */
  readonly symbol?: ((name: string) => bigint | undefined) | undefined;
  /** text of the kernel's configuration */
  readonly config?: string | undefined;
  /** values for `.kconfig` externs before the kernel's own */
  readonly kconfig?: string | undefined;
  /** LINUX_VERSION_CODE; 6.12.117 where it is not given */
  readonly version?: number | undefined;
}

/** What a ksym became. */
export type ResolvedKsym =
  /** a kernel variable or function by id in the kernel's BTF */
  | { readonly kind: 'btf'; readonly id: number }
  | { readonly kind: 'address'; readonly address: bigint }
  /** weak, and not there */
  | { readonly kind: 'absent' };

const ABSENT: ResolvedKsym = { kind: 'absent' };

/** Looks up one ksym. @throws ObjectError where it is strong and not there, or of another type */
export function resolveKsym(object: ObjectModel, extern: ExternDef, target: Target): ResolvedKsym {
  const fail = (message: string): ObjectError => new ObjectError(object.file, `extern '${extern.name}'`, message);
  if (extern.kind === 'unresolvable') throw fail(extern.problem ?? 'it cannot be resolved');
  if (extern.typeId === 0 && !extern.isFunc) {
    const address = target.symbol?.(extern.name);
    if (address !== undefined) return { kind: 'address', address };
    if (extern.weak) return ABSENT;
    throw fail(
      target.symbol ? 'the kernel has no such symbol' : "the kernel's symbols are not known; give a kallsyms file",
    );
  }
  if (!target.btf) {
    if (extern.weak) return ABSENT;
    throw fail("the kernel's BTF is not known; give it with --btf");
  }
  const what = extern.isFunc ? 'func' : 'var';
  const id = target.btf.findByName(essentialName(extern.name), what);
  const found = target.btf.typeById(id);
  if (id === 0 || (found.kind !== 'func' && found.kind !== 'var')) {
    if (extern.weak) return ABSENT;
    throw fail(`the kernel's BTF has no ${extern.isFunc ? 'function' : 'variable'} of that name`);
  }
  const theirs = extern.isFunc ? found.type : target.btf.resolve(found.type).id;
  if (!typesCompatible(object.btf as Btf, extern.typeId, target.btf, theirs)) {
    if (extern.isFunc && extern.weak) return ABSENT;
    throw fail(`the kernel's type [${theirs}] is not compatible with the object's [${extern.typeId}]`);
  }
  return { kind: 'btf', id };
}
