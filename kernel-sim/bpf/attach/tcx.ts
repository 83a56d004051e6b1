/** Programs at a device's ingress and egress, with an order among them: tcx links and BPF_PROG_ATTACH (kernel/bpf/tcx.c, mprog.c). */
import { BPF_ATTACH_TYPE as A } from '../../../src/uapi/index.ts';
import type { NetDevice } from '../../net/devices.ts';
import type { Mprog, MprogItem, Place } from '../../net/mprog.ts';
import type { Direction } from '../../net/tcx.ts';
import { BpfError } from '../errors.ts';
import type { BpfState } from '../objects/state.ts';
import type { BpfProg } from '../prog/prog.ts';
import type { Attachment } from './attachment.ts';
import type { AttachRequest, DirectAttach, DirectRequest, QueryResult } from './kind.ts';
import { deviceOf } from './xdp.ts';

/** BPF_F_REPLACE, _BEFORE, _AFTER, _ID, _LINK */
const F = { REPLACE: 4, BEFORE: 8, AFTER: 16, ID: 32, LINK: 0x2000 } as const;

/** Who hangs in a list: a program by itself, or by a link. */
class Hung {
  prog: BpfProg;
  readonly byLink: boolean;
  constructor(prog: BpfProg, byLink: boolean) {
    this.prog = prog;
    this.byLink = byLink;
  }
}
const hungOf = ({ key }: MprogItem): Hung => key as Hung;

const directionOf = (type: number): Direction => (type === A.TCX_EGRESS ? 'egress' : 'ingress');

export function tcx({ state, prog, attachType, attrs, command }: AttachRequest): Attachment {
  const device = deviceOf(state, command, attrs.target ?? 0, 'ENODEV');
  const direction = directionOf(attachType);
  const flags = attrs.flags ?? 0;
  if (flags & F.REPLACE) throw new BpfError(command, 'EINVAL', 'links are replaced by BPF_LINK_UPDATE');
  const list = state.kernel.net.tcx.of(device, direction);
  const hung = new Hung(prog, true);
  list.add(hung, prog.addr, placeOf(state, command, list, flags, attrs.relative));
  const changed = (): void => state.kernel.net.tcx.changed(device, direction);
  changed();
  return {
    flags,
    detach: () => {
      list.remove(hung);
      changed();
    },
    update: (next) => {
      hung.prog = next;
      list.replace(hung, next.addr);
    },
    info: () => ({ ifindex: device.index, attach_type: attachType }),
    fdinfo: () => `ifindex:\t${device.index}\nattach_type:\t${attachType} (tcx_${direction})\n`,
  };
}

/** Where in a list: next to a program or a link that a descriptor or an id names. */
function placeOf(
  state: BpfState,
  command: string,
  list: Mprog,
  flags: number,
  relative: { readonly fdOrId: number; readonly expectedRevision?: bigint } | undefined,
): Place {
  const place = {
    before: (flags & F.BEFORE) !== 0,
    after: (flags & F.AFTER) !== 0,
    ...(relative?.expectedRevision === undefined ? {} : { expectedRevision: relative.expectedRevision }),
  };
  const named = relative?.fdOrId ?? 0;
  if (named === 0 && !(flags & (F.ID | F.LINK))) return place;
  const fits = matcher(state, command, flags, named);
  const found = list.items.find((item) => fits(hungOf(item)));
  if (found === undefined) throw new BpfError(command, 'ENOENT', 'what it is to be next to is not attached here');
  return { ...place, relative: found.key };
}
function matcher(state: BpfState, command: string, flags: number, named: number): (hung: Hung) => boolean {
  const isId = (flags & F.ID) !== 0;
  if (flags & F.LINK) {
    const link = isId ? state.links.get(named) : state.linkByFd(command, named);
    if (link === undefined) throw new BpfError(command, 'ENOENT', `no link has the id ${named}`);
    return (hung) => hung.byLink && hung.prog === link.prog;
  }
  const prog = isId ? state.progs.get(named) : state.progByFd(command, named);
  if (prog === undefined) throw new BpfError(command, 'ENOENT', `no program has the id ${named}`);
  return (hung) => hung.prog === prog;
}

interface At {
  readonly device: NetDevice;
  readonly direction: Direction;
  readonly list: Mprog;
}
function at(
  state: BpfState,
  command: string,
  { target, attachType }: Pick<DirectRequest, 'target' | 'attachType'>,
): At {
  const device = deviceOf(state, command, target, 'ENODEV');
  const direction = directionOf(attachType);
  return { device, direction, list: state.kernel.net.tcx.of(device, direction) };
}

/** BPF_PROG_ATTACH, _DETACH and _QUERY: the list holds the program. */
export const tcxDirect: DirectAttach = {
  attach(request) {
    const command = 'BPF_PROG_ATTACH';
    const { state, flags, relative, replace } = request;
    const prog = request.prog as BpfProg;
    const { device, direction, list } = at(state, command, request);
    if (list.items.some((item) => !hungOf(item).byLink && hungOf(item).prog === prog))
      throw new BpfError(command, 'EEXIST', `program ${prog.id} is attached here already`);
    if (flags & F.REPLACE) {
      const item = list.items.find((one) => !hungOf(one).byLink && hungOf(one).prog === replace);
      if (item === undefined) throw new BpfError(command, 'ENOENT', 'the program to replace is not attached here');
      const hung = hungOf(item);
      hung.prog.put();
      hung.prog = prog.get();
      list.replace(hung, prog.addr);
      return;
    }
    list.add(new Hung(prog, false), prog.addr, placeOf(state, command, list, flags, relative));
    prog.get();
    state.kernel.net.tcx.changed(device, direction);
  },
  detach(request) {
    const command = 'BPF_PROG_DETACH';
    const { state, flags, prog, relative } = request;
    const { device, direction, list } = at(state, command, request);
    const own = list.items.filter((item) => !hungOf(item).byLink);
    // without a program: the first or the last of the list
    const item =
      prog === undefined
        ? flags & F.AFTER
          ? list.items.at(-1)
          : list.items[0]
        : own.find((one) => hungOf(one).prog === prog);
    if (item === undefined) throw new BpfError(command, 'ENOENT', 'the program is not attached here');
    if (hungOf(item).byLink) throw new BpfError(command, 'EBUSY', 'a link holds it');
    list.remove(item.key, relative?.expectedRevision);
    hungOf(item).prog.put();
    state.kernel.net.tcx.changed(device, direction);
  },
  query(request): QueryResult {
    const { state } = request;
    const { list } = at(state, 'BPF_PROG_QUERY', request);
    const links = [...state.links.all()].filter(({ kind }) => kind.name === 'tcx');
    return {
      attachFlags: 0,
      revision: list.revision,
      programs: list.items.map((item) => {
        const { prog, byLink } = hungOf(item);
        const link = byLink ? links.find((one) => one.prog === prog) : undefined;
        return { prog, ...(link === undefined ? {} : { linkId: link.id }) };
      }),
    };
  },
};
