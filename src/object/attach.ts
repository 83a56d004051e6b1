/**
 * Attaching by section name, as libbpf 1.5 does on 6.12: perf events with a BPF link for kprobes and
 * tracepoints, raw_tracepoint_open for raw tracepoints, link_create for what BTF names.
 */
import { checkOptions } from '../errors/argument.ts';
import {
  ATTACH_KIND_ROWS,
  type AttachKindRow,
  attachKindAmong,
  attachType,
  BPF_F_KPROBE_MULTI_RETURN,
  LINK_TARGETS,
} from '../uapi/index.ts';
import type { LinkHandle, ObjectKernel } from './bpf-interface.ts';
import type { ProgramDef } from './model.ts';
import { parseProbePoint } from './probe-point.ts';
import {
  ATTACH_OPTIONS,
  type Attached,
  cookieOf,
  createLink,
  failure,
  notModelled,
  perfLink,
  type Request,
  targetOf,
} from './request.ts';
import type { AttachMethod } from './sections.ts';
import { uprobe, uprobeMulti, usdt } from './user/attach.ts';

export { parseProbePoint } from './probe-point.ts';
export type { AttachOptions } from './request.ts';

/** An attached program. */
export interface AttachedLink<L extends LinkHandle = LinkHandle> {
  readonly program: string;
  readonly method: AttachMethod;
  /** function, `category:event`, interface ...; '' where there is none */
  readonly target: string;
  /** from the target's start */
  readonly offset: number;
  readonly onReturn: boolean;
  /** the kernel's link; of what has none, filters of cls_bpf and struct_ops without BPF_F_LINK, only its end */
  readonly link: L;
  detach(): void;
}

function kprobe(r: Request, target: string): Attached {
  const point = parseProbePoint(target);
  if (!point) throw failure(r, `'${target}' is no function with an optional +offset`);
  const ret = r.program.match?.rule.onReturn ?? false;
  if (ret && point.offset !== 0) throw failure(r, 'return probes take no offset');
  const attr = { type: 'kprobe', func: point.func, offset: point.offset, ret } as const;
  return { ...perfLink(r, attr), target: point.func, offset: point.offset };
}

function tracepoint(r: Request, target: string): Attached {
  const slash = target.indexOf('/');
  if (slash < 0) throw failure(r, `'${target}' is no tracepoint; name it as category/event`);
  const category = target.slice(0, slash);
  const event = target.slice(slash + 1);
  return { ...perfLink(r, { type: 'tracepoint', category, event }), target: `${category}:${event}`, offset: 0 };
}

/** Functions that ftrace can hook by a pattern of `*` and `?`. */
function matching(r: Request, pattern: string): string[] {
  if (!/^[A-Za-z0-9_.*?]+$/.test(pattern)) throw failure(r, `'${pattern}' is no pattern of function names`);
  if (!r.kernel.symbols?.functions) throw notModelled(r, `the pattern '${pattern}'`);
  const like = new RegExp(`^${pattern.replaceAll('.', '\\.').replaceAll('*', '.*').replaceAll('?', '.')}$`);
  const found: string[] = [];
  for (const { name, kind } of r.kernel.symbols.functions())
    if (/^[esb]$/i.test(kind ?? 'e') && like.test(name)) found.push(name);
  if (found.length === 0) throw failure(r, `no function of the kernel matches '${pattern}'`);
  return found;
}

function kprobeMulti(r: Request, target: string): Attached {
  const flags = r.program.match?.rule.onReturn ? BPF_F_KPROBE_MULTI_RETURN : 0;
  const symbols = /[*?]/.test(target) ? matching(r, target) : target.split(',').map((name) => name.trim());
  return {
    link: createLink(r, 0, r.program.expectedAttachType, { kprobeMulti: { symbols, flags } }),
    target,
    offset: 0,
  };
}

function rawTracepoint(r: Request, target: string): Attached {
  if (!r.kernel.bpf.rawTracepointOpen) throw notModelled(r, 'BPF_RAW_TRACEPOINT_OPEN');
  return {
    link: r.kernel.bpf.rawTracepointOpen({ prog: r.handle.fd, name: target, ...cookieOf(r) }),
    target,
    offset: 0,
  };
}

const named = (r: Request): string => {
  const target = targetOf(r);
  if (target === undefined)
    throw failure(r, `SEC("${r.program.rawSectionName}") does not say what to attach to; give a target`);
  return target;
};

/** What a program goes to whose section does not say it. */
function placeOf(r: Request, target: AttachKindRow['target']): number {
  const { targetFd } = r.options;
  if (targetFd === undefined)
    throw failure(r, `SEC("${r.program.rawSectionName}") does not say where; give targetFd (${LINK_TARGETS[target]})`);
  return targetFd;
}

/** How libbpf attaches the programs of a section. */
interface Method {
  /** libbpf attaches by itself what names its target; the others need to be told where */
  readonly automatic?: true;
  readonly attach: (r: Request) => Attached;
}
const automatic = (attach: Method['attach']): Method => ({ automatic: true, attach });
/** BPF_LINK_CREATE: on what the caller names, where the kind has a target; else where the program was loaded for */
const byLink = ({ target, placed }: AttachKindRow): Method => ({
  ...(placed ? { automatic: true } : {}),
  attach: (r) => {
    if (placed) return { link: createLink(r, 0, r.program.expectedAttachType), target: targetOf(r) ?? '', offset: 0 };
    const targetFd = placeOf(r, target);
    return { link: createLink(r, targetFd, r.program.expectedAttachType), target: String(targetFd), offset: 0 };
  },
});
/** Where libbpf does more than BPF_LINK_CREATE, by the method of a section (`sections.ts`). */
const METHODS: Readonly<Partial<Record<AttachMethod, Method>>> = {
  kprobe: automatic((r) => kprobe(r, named(r))),
  ksyscall: automatic((r) => kprobe(r, `__x64_sys_${named(r)}`)),
  'kprobe.multi': automatic((r) => kprobeMulti(r, named(r))),
  'kprobe.session': automatic((r) => kprobeMulti(r, named(r))),
  tracepoint: automatic((r) => tracepoint(r, named(r))),
  raw_tracepoint: automatic((r) => rawTracepoint(r, named(r))),
  uprobe: automatic((r) => uprobe(r, named(r))),
  'uprobe.multi': automatic((r) => uprobeMulti(r, named(r))),
  usdt: automatic((r) => usdt(r, named(r))),
  // a filter of the clsact qdisc at ingress, as bpf_tc_attach() makes it: there is no link
  tc: {
    attach: (r) => {
      const ifindex = placeOf(r, 'ifindex');
      const { bpf } = r.kernel;
      if (!bpf.tcAttach) throw notModelled(r, 'a filter of cls_bpf');
      return { link: bpf.tcAttach({ prog: r.handle.fd, ifindex }), target: String(ifindex), offset: 0 };
    },
  },
  freplace: automatic((r) => ({ link: createLink(r, undefined, 0), target: targetOf(r) ?? '', offset: 0 })),
  struct_ops: {
    attach: (r) => {
      throw failure(r, 'struct_ops programs take effect with their map');
    },
  },
  none: {
    attach: (r) => {
      throw failure(
        r,
        `programs of SEC("${r.program.rawSectionName}") are not attached: they are called, or run by a test run`,
      );
    },
  },
};

/** The row of `src/uapi/attach.ts` for a program: direct action of tc is what tcx does. */
function kindOf({ type, expectedAttachType, match }: ProgramDef): AttachKindRow | undefined {
  const tc = match?.rule.method === 'tc' && expectedAttachType === 0;
  return attachKindAmong(ATTACH_KIND_ROWS, type, tc ? attachType('tcx_ingress') : expectedAttachType);
}

function methodOf(program: ProgramDef): Method | undefined {
  if (!program.match) return undefined;
  const { method } = program.match.rule;
  // a classifier that was loaded for tcx is a link's
  const special = method === 'tc' && program.expectedAttachType !== 0 ? undefined : METHODS[method];
  const kind = kindOf(program);
  return special ?? (kind ? byLink(kind) : METHODS.none);
}

/** Whether libbpf would attach this program without being told where. */
export function attachesItself(program: ProgramDef): boolean {
  if (!methodOf(program)?.automatic) return false;
  return program.target !== undefined || program.match?.rule.method === 'iter';
}

/** Whether its place is a network device, which is told apart from it. */
export const attachesToDevice = (program: ProgramDef): boolean =>
  program.match !== undefined && program.match.rule.method !== 'none' && kindOf(program)?.target === 'ifindex';

/** Attaches one program. @throws ObjectError, NotModelledError, the kernel's error */
export function attachProgram(request: Request): AttachedLink {
  const { program, kernel, options } = request;
  checkOptions('options', options, ATTACH_OPTIONS);
  const method = methodOf(program);
  if (!method) throw failure(request, `section ${program.rawSectionName} does not say how to attach`);
  const { link, event, target, offset, released } = method.attach(request);
  return {
    program: program.name,
    method: program.match?.rule.method ?? 'none',
    target,
    offset,
    onReturn: program.match?.rule.onReturn ?? false,
    link,
    detach: detaching(kernel, link, event, released),
  };
}

/** Gives up the link and the descriptor of its perf event, once: `bpf_link__destroy`. A pinned link stays attached. */
export function detaching({ bpf }: ObjectKernel, link: LinkHandle, event?: number, released?: () => void): () => void {
  let held = true;
  return () => {
    if (!held) return;
    held = false;
    if (link.fd === undefined || !bpf.close) link.detach();
    for (const fd of [link.fd, event]) if (fd !== undefined) bpf.close?.(fd);
    released?.();
  };
}
