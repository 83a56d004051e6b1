/** What a program must name at load time: the function, tracepoint or type of the kernel's BTF that it attaches to. */

import { becameText } from '../../kernel-sim/data/renamed.ts';
import type { Btf } from '../btf/index.ts';
import { nearest, nearIt } from '../errors/near.ts';
import { ATTACH_TYPES, attachType, BPF_PROG_TYPE } from '../uapi/index.ts';
import { ObjectError } from './error.ts';
import { kernelStructOps } from './maps/struct-ops.ts';
import type { ObjectModel, ProgramDef } from './model.ts';
import type { Target } from './target.ts';

/** Prefix of the BTF name, and its kind, by attach type. */
function btfName(attachType: string, target: string): { name: string; kind: 'func' | 'typedef' } {
  switch (attachType) {
    case 'trace_raw_tp':
      return { name: `btf_trace_${target}`, kind: 'typedef' };
    case 'lsm_mac':
    case 'lsm_cgroup':
      return { name: `bpf_lsm_${target}`, kind: 'func' };
    case 'trace_iter':
      return { name: `bpf_iter_${target}`, kind: 'func' };
    default:
      return { name: target, kind: 'func' };
  }
}

export interface LoadTarget {
  readonly attachBtf?: number;
  readonly expectedAttachType: number;
}

/** struct_ops programs: the type's id, and the member's index as attach type. */
function structOpsTarget(object: ObjectModel, program: ProgramDef, btf: Btf | undefined): LoadTarget {
  const fail = (message: string): ObjectError => new ObjectError(object.file, `program '${program.name}'`, message);
  for (const map of object.maps) {
    for (const [index, name] of map.structOps?.programs ?? []) {
      if (name !== program.name) continue;
      const type = object.btf?.typeById(map.structOps?.type ?? 0);
      const member = type?.kind === 'struct' ? type.members[index] : undefined;
      if (!btf || !type || !member) throw fail("struct_ops needs the kernel's BTF");
      const typeName = type.name.replace(/___.*$/, '');
      const kernel = kernelStructOps(btf, typeName);
      if (!kernel) throw fail(`the kernel has no struct_ops '${typeName}'`);
      const at = kernel.member(member.name);
      if (at < 0) throw fail(`the kernel's struct ${typeName} has no member '${member.name}'`);
      return { attachBtf: kernel.id, expectedAttachType: at };
    }
  }
  throw fail('no struct_ops map of the object uses it');
}

/** Names of the kernel's BTF that may have been meant; tracepoints only beside tracepoints. */
function nearNames(btf: Btf, wanted: string, kind: 'func' | 'typedef'): string[] {
  const names = new Set<string>();
  for (const type of btf.types())
    if (type.kind === kind && (kind === 'func' || type.name.startsWith('btf_trace_'))) names.add(type.name);
  return nearest(wanted, names, 3);
}

/** @param kernel asked for its BTF only where it is needed. @throws ObjectError where the target is not given or not there */
export function loadTarget(object: ObjectModel, program: ProgramDef, kernel: Pick<Target, 'btf'>): LoadTarget {
  const { expectedAttachType } = program;
  if (program.type === BPF_PROG_TYPE.STRUCT_OPS) return structOpsTarget(object, program, kernel.btf);
  // libbpf attaches USDT programs through a multi-uprobe link where the kernel has those, as 6.12 does.
  if (program.match?.rule.method === 'usdt') return { expectedAttachType: attachType('trace_uprobe_multi') };
  if (!program.match?.rule.attachBtf) return { expectedAttachType };
  const fail = (message: string): ObjectError => new ObjectError(object.file, `program '${program.name}'`, message);
  if (program.match.rule.method === 'freplace')
    throw fail('freplace needs a program to extend; give load() { targets: { program: { prog } } }');
  const { target } = program;
  if (!target) throw fail(`SEC("${program.rawSectionName}") does not say what to attach to`);
  const { btf } = kernel;
  if (!btf) throw fail("the kernel's BTF is not known; give it with --btf");
  // `module:function`: one BTF is active here, the kernel's own.
  const colon = target.indexOf(':');
  const bare = colon < 0 ? target : target.slice(colon + 1);
  if (colon >= 0 && target.slice(0, colon) !== 'vmlinux')
    throw fail(`module '${target.slice(0, colon)}' has no BTF here`);
  const { name, kind } = btfName(ATTACH_TYPES[expectedAttachType] ?? '', bare);
  const id = btf.findByName(name, kind);
  if (id === 0) {
    const became = becameText(bare, (now) => btf.findByName(now, kind) !== 0);
    throw fail(
      `the kernel's BTF has no ${kind === 'func' ? 'function' : 'tracepoint'} '${kind === 'func' ? name : bare}' to attach to${became}${nearIt(nearNames(btf, name, kind).map((n) => n.slice(name.length - bare.length)))}`,
    );
  }
  return { attachBtf: id, expectedAttachType };
}
