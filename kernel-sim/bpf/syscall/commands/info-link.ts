/**
 * `struct bpf_link_info`: what all links tell, and where each kind's members lie (include/uapi/linux/bpf.h). What the
 * members are the kind says by name (`attach/attachment.ts`).
 */
import { BPF_LINK_TYPE as L } from '../../../../src/uapi/index.ts';
import type { LinkFields } from '../../attach/attachment.ts';
import type { BpfLink } from '../../attach/link.ts';
import { type Call, u64Bytes } from './call.ts';
import type { InfoBuffer } from './info-buffer.ts';
import { copyString } from './info-string.ts';

type Late = (() => never) | undefined;

/** A member: a number of 32 or 64 bits, a name or list with its length elsewhere, or a structure. */
type Member =
  | { readonly kind: 'u32'; readonly at: number }
  | { readonly kind: 'u64'; readonly at: number; readonly isAddress?: true }
  | { readonly kind: 'string' | 'list'; readonly at: number; readonly length: number; readonly isAddress?: true }
  | { readonly kind: 'struct'; readonly members: Members };
interface Members {
  readonly [name: string]: Member;
}
const u32 = (at: number): Member => ({ kind: 'u32', at });
const u64 = (at: number): Member => ({ kind: 'u64', at });
const text = (at: number, length: number): Member => ({ kind: 'string', at, length });
const list = (at: number, length: number): Member => ({ kind: 'list', at, length });
const struct = (members: Members): Member => ({ kind: 'struct', members });

const DEVICE: Members = { ifindex: u32(16), attach_type: u32(20) };
const LAYOUT: Readonly<Record<number, Members>> = {
  [L.RAW_TRACEPOINT]: { tp_name: text(16, 24) },
  [L.TRACING]: { attach_type: u32(16), target_obj_id: u32(20), target_btf_id: u32(24) },
  [L.CGROUP]: { cgroup_id: u64(16), attach_type: u32(24) },
  [L.ITER]: {
    target_name: text(16, 24),
    map: struct({ map_id: u32(28) }),
    cgroup: struct({ cgroup_id: u64(32), order: u32(40) }),
    task: struct({ tid: u32(32), pid: u32(36) }),
  },
  [L.NETNS]: { netns_ino: u32(16), attach_type: u32(20) },
  [L.XDP]: { ifindex: u32(16) },
  [L.STRUCT_OPS]: { map_id: u32(16) },
  [L.NETFILTER]: { pf: u32(16), hooknum: u32(20), priority: u32(24), flags: u32(28) },
  [L.KPROBE_MULTI]: {
    addrs: { kind: 'list', at: 16, length: 24, isAddress: true },
    flags: u32(28),
    missed: u64(32),
    cookies: list(40, 24),
  },
  [L.UPROBE_MULTI]: {
    path: text(16, 48),
    offsets: list(24, 52),
    ref_ctr_offsets: list(32, 52),
    cookies: list(40, 52),
    flags: u32(56),
    pid: u32(60),
  },
  [L.PERF_EVENT]: {
    type: u32(16),
    uprobe: struct({ file_name: text(24, 32), offset: u32(36), cookie: u64(40) }),
    kprobe: struct({
      func_name: text(24, 32),
      offset: u32(36),
      addr: { kind: 'u64', at: 40, isAddress: true },
      missed: u64(48),
      cookie: u64(56),
    }),
    tracepoint: struct({ tp_name: text(24, 32), cookie: u64(40) }),
    event: struct({ config: u64(24), type: u32(32), cookie: u64(40) }),
  },
  [L.TCX]: DEVICE,
  [L.NETKIT]: DEVICE,
  [L.SOCKMAP]: { map_id: u32(16), attach_type: u32(20) },
};

export function linkInfo(call: Call, link: BpfLink, info: InfoBuffer): undefined {
  info.set32(0, link.type);
  info.set32(4, link.id);
  info.set32(8, link.prog?.id ?? 0);
  // unlike others, a link tells nothing more where a name was cut
  fill(call, info, LAYOUT[link.type] ?? {}, link.info())?.();
  return undefined;
}

/** The error that the command ends with once all was copied: a name or list that is longer than the caller's room. */
function fill(call: Call, info: InfoBuffer, members: Members, fields: LinkFields): Late {
  let late: Late;
  // lengths are the caller's until all lists were filled, some of which share one
  const lengths = new Map<number, number>();
  for (const [name, value] of Object.entries(fields)) {
    const member = members[name];
    if (member === undefined) continue;
    const hide = 'isAddress' in member && !call.state.showsAddresses(call.process);
    if (member.kind === 'struct') late = fill(call, info, member.members, value as LinkFields) ?? late;
    else if (member.kind === 'u32') info.set32(member.at, Number(value));
    else if (member.kind === 'u64') info.set64(member.at, hide ? 0n : BigInt(value as number | bigint));
    else {
      const [at, room] = [info.pointer(member.at), info.u32(member.length)];
      const isMain = member.kind === 'string' || !lengths.has(member.length);
      if (isMain ? (at !== 0) !== (room !== 0) : at !== 0 && room === 0)
        call.fail('EINVAL', `${name} and its length go together`);
      if (member.kind === 'string') {
        lengths.set(member.length, (value as string).length + 1);
        if (at !== 0) late = copyString(call, value as string, at, room) ?? late;
      } else {
        const items = value as readonly bigint[];
        lengths.set(member.length, items.length);
        if (at === 0) continue;
        items.slice(0, room).forEach((item, n) => {
          call.copyOut(at + 8 * n, u64Bytes(hide ? 0n : item));
        });
        if (room < items.length) late = () => call.fail('ENOSPC', `${items.length} elements of ${name}`);
      }
    }
  }
  for (const [at, length] of lengths) info.set32(at, length);
  return late;
}
