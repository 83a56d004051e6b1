/** Attaching to code of user space, as libbpf 1.5 does on 6.12: uprobes through perf events, patterns and USDT through multi links. */
import { nearIt } from '../../errors/near.ts';
import { attachType, BPF_F_UPROBE_MULTI_RETURN } from '../../uapi/index.ts';
import { parseProbePoint } from '../probe-point.ts';
import { type Attached, createLink, failure, notModelled, perfLink, type Request } from '../request.ts';
import { functionOffset, functionsLike, nearFunctions, openBinary, resolveBinary } from './binary.ts';
import { notesOf, usdtTargets } from './usdt.ts';

/** `PATH:REST` of a section, and the binary. */
function binaryOf(r: Request, target: string, what: string) {
  const colon = target.indexOf(':');
  if (colon <= 0) throw failure(r, `'${target}' should be PATH:${what}`);
  const { root } = r.kernel;
  if (root === undefined) throw notModelled(r, 'attaching to user space');
  const [name, rest] = [target.slice(0, colon), target.slice(colon + 1)];
  const path = resolveBinary(root, name);
  if (path === undefined)
    throw failure(
      r,
      `user space has no ${name}; give the directory that has it with --sysroot, or run it as a program (ebpf-emu run)`,
    );
  return { path, rest, binary: openBinary(root, path) };
}
const pidOf = (r: Request): number => r.options.pid ?? -1;

export function uprobe(r: Request, target: string): Attached {
  const { path, rest, binary } = binaryOf(r, target, 'FUNCTION+OFFSET');
  const ret = r.program.match?.rule.onReturn ?? false;
  // an address as linked may stand in the place of a function
  const raw = /^(0x[0-9a-fA-F]+|\d+)$/.test(rest) ? Number(rest) : undefined;
  const point = parseProbePoint(rest);
  if (!point) throw failure(r, `'${rest}' is no function with an optional +offset`);
  if (ret && point.offset !== 0) throw failure(r, 'return probes take no offset');
  const at = raw ?? functionOffset(binary, point.func);
  if (at === undefined) {
    throw failure(r, `${path} has no function ${point.func}${nearIt(nearFunctions(binary, point.func))}`);
  }
  const offset = at + (raw === undefined ? point.offset : 0);
  return {
    ...perfLink(r, { type: 'uprobe', path, offset, ret }, pidOf(r)),
    target: `${path}:${point.func}`,
    offset: point.offset,
  };
}

export function uprobeMulti(r: Request, target: string): Attached {
  const { path, rest, binary } = binaryOf(r, target, 'PATTERN');
  const offsets = functionsLike(binary, rest).flatMap(({ address }) => binary.fileOffset(address) ?? []);
  if (offsets.length === 0) throw failure(r, `no function of ${path} matches '${rest}'`);
  const flags = r.program.match?.rule.onReturn ? BPF_F_UPROBE_MULTI_RETURN : 0;
  const { cookie } = r.options;
  return {
    link: createLink({ ...r, options: {} }, undefined, attachType('trace_uprobe_multi'), {
      uprobeMulti: {
        path,
        offsets: offsets.map(BigInt),
        flags,
        pid: Math.max(0, pidOf(r)),
        ...(cookie === undefined ? {} : { cookies: offsets.map(() => cookie) }),
      },
    }),
    target,
    offset: 0,
  };
}

export function usdt(r: Request, target: string): Attached {
  const { path, rest, binary } = binaryOf(r, target, 'PROVIDER:NAME');
  const [provider = '', name = ''] = rest.split(':');
  const notes = notesOf(binary, provider, name);
  if (notes.length === 0) throw failure(r, `${path} has no USDT probe ${provider}:${name}`);
  const targets = usdtTargets(binary, notes, r.options.cookie ?? 0n);
  if (typeof targets === 'string') throw failure(r, targets);
  const map = r.maps('__bpf_usdt_specs');
  if (map === undefined) throw failure(r, 'it has no map __bpf_usdt_specs: include bpf/usdt.bpf.h');
  const specs = r.usdt.put(map.handle, targets, map.maxEntries);
  if (specs === undefined) throw failure(r, `more than ${map.maxEntries} USDT specs: BPF_USDT_MAX_SPEC_CNT gives more`);
  return {
    link: createLink({ ...r, options: {} }, undefined, attachType('trace_uprobe_multi'), {
      uprobeMulti: {
        path,
        offsets: targets.map(({ offset }) => BigInt(offset)),
        refCtrOffsets: targets.map(({ refCounter }) => BigInt(refCounter)),
        cookies: specs.ids.map(BigInt),
        flags: 0,
        pid: Math.max(0, pidOf(r)),
      },
    }),
    target,
    offset: 0,
    released: specs.release,
  };
}
