/**
 * Traffic control by netlink: the clsact qdisc of a device, and filters of cls_bpf on it (include/uapi/linux/rtnetlink.h,
 * `struct tcmsg`; pkt_cls.h; tc(8), tc-bpf(8)). Devices of the model send without queueing: noqueue is the qdisc of each.
 */
import { concatBytes } from '../../src/platform/index.ts';
import { BPF_PROG_TYPE as P } from '../../src/uapi/index.ts';
import { TcProg } from '../bpf/attach/clsact.ts';
import { BpfProg } from '../bpf/prog/prog.ts';
import { KernelError } from '../core/errno.ts';
import type { FdObject } from '../core/fds.ts';
import type { Clsact, ClsBpf } from '../net/clsact.ts';
import type { NetDevice, NetDevices } from '../net/devices.ts';
import { swap16 } from '../net/packet.ts';
import type { Direction } from '../net/tcx.ts';
import { attribute, attributes, NLM_F, nested, s32Of, text, textOf, u8, u32, u32Of } from './message.ts';

const TCM = 20;
const TC_H = { ROOT: 0xffff_ffff, CLSACT: 0xffff_fff1, INGRESS: 0xffff_fff2, EGRESS: 0xffff_fff3 } as const;
const CLSACT_HANDLE = 0xffff_0000;
const TCA = { KIND: 1, OPTIONS: 2, CHAIN: 11, HW_OFFLOAD: 12 } as const;
const TCA_BPF = { FD: 6, NAME: 7, FLAGS: 8, FLAGS_GEN: 9, TAG: 10, ID: 11 } as const;
const TCA_BPF_FLAG_ACT_DIRECT = 1;
const TCA_CLS_FLAGS_NOT_IN_HW = 8;
/** references of a noqueue, as `tc qdisc show` prints them */
const REFERENCES = 2;

export interface TcParts {
  readonly devices: NetDevices;
  readonly clsact: Clsact;
  /** descriptors of the process that asks */
  readonly find: (fd: number) => FdObject | undefined;
}

/** A program on a device, by the name that its owner gave it. */
class NamedFilter extends TcProg {
  readonly name: string | undefined;
  constructor(prog: BpfProg, name: string | undefined) {
    super(prog);
    this.name = name;
  }
}

interface Tcm {
  readonly index: number;
  readonly handle: number;
  readonly parent: number;
  readonly priority: number;
  /** ETH_P_* */
  readonly protocol: number;
  readonly attributes: ReadonlyMap<number, Uint8Array>;
}
function tcmOf(payload: Uint8Array): Tcm {
  if (payload.length < TCM) throw new KernelError('EINVAL', '');
  const view = new DataView(payload.buffer, payload.byteOffset);
  const info = view.getUint32(16, true);
  return {
    index: view.getInt32(4, true),
    handle: view.getUint32(8, true),
    parent: view.getUint32(12, true),
    priority: info >>> 16,
    protocol: swap16(info & 0xffff),
    attributes: attributes(payload.subarray(TCM)),
  };
}
function tcm(index: number, handle: number, parent: number, info: number): Uint8Array {
  const out = new DataView(new ArrayBuffer(TCM));
  out.setInt32(4, index, true);
  out.setUint32(8, handle, true);
  out.setUint32(12, parent, true);
  out.setUint32(16, info, true);
  return new Uint8Array(out.buffer);
}
function deviceOf({ devices }: TcParts, { index }: Tcm): NetDevice {
  const device = devices.byIndex(index);
  if (device === undefined) throw new KernelError('ENODEV', '');
  return device;
}

/** RTM_GETQDISC of a dump: of one device, or (0) of all. */
export function qdiscs({ devices, clsact }: TcParts, payload: Uint8Array): Uint8Array[] {
  const asked = payload.length < 8 ? 0 : new DataView(payload.buffer, payload.byteOffset).getInt32(4, true);
  return devices.all().flatMap((device) => {
    if (asked !== 0 && asked !== device.index) return [];
    const qdisc = (kind: string, handle: number, parent: number, references: number): Uint8Array =>
      concatBytes([tcm(device.index, handle, parent, references), text(TCA.KIND, kind), u8(TCA.HW_OFFLOAD, 0)]);
    const own = qdisc('noqueue', 0, TC_H.ROOT, REFERENCES);
    return clsact.has(device) ? [own, qdisc('clsact', CLSACT_HANDLE, TC_H.CLSACT, 1)] : [own];
  });
}

/** RTM_NEWQDISC. @throws KernelError in the kernel's words */
export function addQdisc(parts: TcParts, payload: Uint8Array, flags: number): void {
  const asked = tcmOf(payload);
  const device = deviceOf(parts, asked);
  const kind = textOf(asked.attributes.get(TCA.KIND));
  if (asked.parent !== TC_H.CLSACT || kind !== 'clsact')
    throw new KernelError('EOPNOTSUPP', `of qdiscs, clsact alone is modelled, and not ${kind}`);
  if (parts.clsact.has(device) && flags & NLM_F.EXCL)
    throw new KernelError('EEXIST', 'Exclusivity flag on, cannot modify');
  parts.clsact.install(device);
}
/** RTM_DELQDISC. @throws KernelError */
export function deleteQdisc(parts: TcParts, payload: Uint8Array): void {
  const asked = tcmOf(payload);
  const device = deviceOf(parts, asked);
  if (asked.parent !== TC_H.CLSACT || !parts.clsact.has(device)) throw new KernelError('EINVAL', 'Invalid handle');
  for (const filter of parts.clsact.uninstall(device)) letGo(filter);
}
function letGo({ key }: ClsBpf): void {
  if (key instanceof TcProg) key.prog.put();
}

function directionOf({ clsact }: TcParts, device: NetDevice, { parent }: Tcm): Direction {
  const direction = parent === TC_H.INGRESS ? 'ingress' : parent === TC_H.EGRESS ? 'egress' : undefined;
  if (direction === undefined || !clsact.has(device)) throw new KernelError('EINVAL', "Parent Qdisc doesn't exists");
  return direction;
}
const infoOf = ({ priority, protocol }: ClsBpf): number => ((priority << 16) | swap16(protocol & 0xffff)) >>> 0;

/** RTM_NEWTFILTER: what it says of a filter, or of the classifier of its priority. */
function told(device: NetDevice, direction: Direction, filter: ClsBpf, isHead = false): Uint8Array {
  const parent = direction === 'ingress' ? TC_H.INGRESS : TC_H.EGRESS;
  const head = [
    tcm(device.index, isHead ? 0 : filter.handle, parent, infoOf(filter)),
    text(TCA.KIND, 'bpf'),
    u32(TCA.CHAIN, 0),
  ];
  const { key, directAction } = filter;
  if (isHead || !(key instanceof TcProg)) return concatBytes(head);
  const name = key instanceof NamedFilter ? key.name : undefined;
  return concatBytes([
    ...head,
    nested(
      TCA.OPTIONS,
      ...(name === undefined ? [] : [text(TCA_BPF.NAME, name)]),
      u32(TCA_BPF.ID, key.prog.id),
      attribute(TCA_BPF.TAG, tagBytes(key.prog.init.tag)),
      ...(directAction ? [u32(TCA_BPF.FLAGS, TCA_BPF_FLAG_ACT_DIRECT)] : []),
      u32(TCA_BPF.FLAGS_GEN, TCA_CLS_FLAGS_NOT_IN_HW),
    ),
  ]);
}
const tagBytes = (tag: string): Uint8Array =>
  Uint8Array.from(tag.match(/../g) ?? [], (digits) => Number.parseInt(digits, 16));

/** RTM_GETTFILTER of a dump: the filters of one direction of a device, each priority led by its classifier. */
export function filters(parts: TcParts, payload: Uint8Array): Uint8Array[] {
  const { clsact, devices } = parts;
  const asked = tcmOf(payload);
  const device = devices.byIndex(asked.index);
  if (device === undefined || !clsact.has(device)) return [];
  if (asked.parent !== TC_H.INGRESS && asked.parent !== TC_H.EGRESS) return [];
  const direction = directionOf(parts, device, asked);
  let last = -1;
  return clsact.of(device, direction).flatMap((filter) => {
    const head = filter.priority === last ? [] : [told(device, direction, filter, true)];
    last = filter.priority;
    return [...head, told(device, direction, filter)];
  });
}
function find(parts: TcParts, device: NetDevice, direction: Direction, asked: Tcm): ClsBpf {
  const ofPriority = parts.clsact.of(device, direction).filter(({ priority }) => priority === asked.priority);
  if (ofPriority.length === 0) throw new KernelError('ENOENT', 'Filter with specified priority/protocol not found');
  const filter = ofPriority.find(({ handle }) => handle === asked.handle);
  if (filter === undefined) throw new KernelError('ENOENT', 'Specified filter handle not found');
  return filter;
}
/** RTM_GETTFILTER of one filter. @throws KernelError */
export function getFilter(parts: TcParts, payload: Uint8Array): Uint8Array {
  const asked = tcmOf(payload);
  const device = deviceOf(parts, asked);
  const direction = directionOf(parts, device, asked);
  return told(device, direction, find(parts, device, direction, asked));
}

/** RTM_NEWTFILTER: a filter, or another program in its place; what a listener is told of it. @throws KernelError */
export function addFilter(parts: TcParts, payload: Uint8Array, flags: number): Uint8Array {
  const { clsact } = parts;
  const asked = tcmOf(payload);
  const device = deviceOf(parts, asked);
  const direction = directionOf(parts, device, asked);
  const kind = textOf(asked.attributes.get(TCA.KIND));
  if (kind !== 'bpf') throw new KernelError('EOPNOTSUPP', `of classifiers, bpf alone is modelled, and not ${kind}`);
  const options = attributes(asked.attributes.get(TCA.OPTIONS) ?? new Uint8Array());
  const there = clsact
    .of(device, direction)
    .find(({ priority, handle }) => priority === asked.priority && handle === asked.handle);
  if (there !== undefined && flags & NLM_F.EXCL) throw new KernelError('EEXIST', 'Filter already exists');
  if (there === undefined && !(flags & NLM_F.CREATE))
    throw new KernelError('ENOENT', 'Need both RTM_NEWTFILTER and NLM_F_CREATE to create a new filter');
  const prog = programOf(parts, s32Of(options.get(TCA_BPF.FD)));
  const filter = {
    key: new NamedFilter(prog, textOf(options.get(TCA_BPF.NAME))),
    prog: prog.addr,
    priority: asked.priority,
    handle: asked.handle,
    protocol: asked.protocol,
    directAction: ((u32Of(options.get(TCA_BPF.FLAGS)) ?? 0) & TCA_BPF_FLAG_ACT_DIRECT) !== 0,
  };
  prog.get();
  if (there !== undefined) {
    clsact.remove(device, direction, there.key);
    letGo(there);
  }
  return told(device, direction, clsact.add(device, direction, filter));
}
function programOf({ find }: TcParts, fd: number | undefined): BpfProg {
  if (fd === undefined) throw new KernelError('EINVAL', '');
  const prog = find(fd);
  if (prog === undefined) throw new KernelError('EBADF', '');
  if (!(prog instanceof BpfProg) || prog.type !== P.SCHED_CLS) throw new KernelError('EINVAL', '');
  return prog;
}

/** RTM_DELTFILTER: one; without a handle those of a priority, without that all. @throws KernelError */
export function deleteFilter(parts: TcParts, payload: Uint8Array): void {
  const { clsact } = parts;
  const asked = tcmOf(payload);
  const device = deviceOf(parts, asked);
  const direction = directionOf(parts, device, asked);
  if (asked.priority === 0 && asked.handle !== 0)
    throw new KernelError('ENOENT', 'Cannot flush filters with protocol, handle or kind set');
  const all = clsact
    .of(device, direction)
    .filter(({ priority }) => asked.priority === 0 || priority === asked.priority);
  if (asked.priority !== 0 && all.length === 0)
    throw new KernelError('ENOENT', 'Filter with specified priority/protocol not found');
  const chosen = asked.handle === 0 ? all : [find(parts, device, direction, asked)];
  for (const filter of chosen) {
    clsact.remove(device, direction, filter.key);
    letGo(filter);
  }
}
