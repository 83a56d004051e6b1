/** What a function gave back: rax by the type that BTF has for it. */
import type { Btf } from '../../btf/index.ts';
import { RAX } from '../../machine/cpu.ts';
import { isComposite, isSigned, sizeOf, type Type, type Value } from '../expr/value.ts';
import type { SessionContext } from '../session/context.ts';

/** A program's functions in kallsyms: bpf_prog_, the tag, the name (bpf_prog_ksym_set_name() of kernel/bpf/core.c). */
const IMAGE = /^bpf_prog_[0-9a-f]{16}_/;
/** What gcc appends to the name of a copy that it changed. */
const COPY = /\.(isra|constprop|part|cold)\b.*$/;

/** What the innermost frame's function gives; undefined where nothing tells, and for `void`. */
export function returnType({ kernel, loaded, frames }: SessionContext): Type | undefined {
  const rip = frames[0]?.place.rip;
  const symbol = rip === undefined ? undefined : kernel.symbols.at(rip)?.name;
  if (symbol === undefined) return undefined;
  const { btf } = loaded.object.model;
  return IMAGE.test(symbol)
    ? btf && givenBy(btf, symbol.replace(IMAGE, ''))
    : givenBy(kernel.btf, symbol.replace(COPY, ''));
}
function givenBy(btf: Btf, name: string): Type | undefined {
  const func = btf.typeById(Math.max(0, btf.findByName(name, 'func')));
  const proto = func.kind === 'func' ? btf.typeById(func.type) : func;
  if (proto.kind !== 'func_proto' || btf.resolve(proto.type).kind === 'void') return undefined;
  return { kind: 'btf', btf, id: proto.type };
}

/** It, where the function has just returned; undefined for what comes back in memory. */
export function returned({ kernel }: SessionContext, type: Type): Value | undefined {
  if (isComposite(type)) return undefined;
  const bits = 8 * sizeOf(type);
  const rax = kernel.cpu.reg64(RAX);
  return { type, bits: isSigned(type) ? BigInt.asIntN(bits, rax) : BigInt.asUintN(bits, rax), register: 'rax' };
}
