/** Programs in one place with an order among them, by links and by BPF_PROG_ATTACH (kernel/bpf/mprog.c, Linux 6.12). */
import { BPF_F_AFTER, BPF_F_BEFORE, BPF_F_ID, BPF_F_LINK, BPF_F_REPLACE } from '../../../src/uapi/index.ts';
import type { Mprog, MprogItem, Place } from '../../net/mprog.ts';
import { BpfError } from '../errors.ts';
import type { BpfState } from '../objects/state.ts';
import type { BpfProg } from '../prog/prog.ts';
import type { Attachment } from './attachment.ts';
import type { AttachBody, AttachRequest, DirectAttach, QueryResult } from './kind.ts';

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

/** A place that programs stand in. */
export interface MprogPlace {
  readonly list: Mprog;
  /** what information about a link there tells, and /proc/PID/fdinfo */
  readonly told: Pick<Attachment, 'info' | 'fdinfo'>;
  /** there are others in the list now */
  changed?(): void;
}
/** The place that an index and an attach type name. @throws KernelError, BpfError */
export type MprogFind = (state: BpfState, command: string, target: number, attachType: number) => MprogPlace;

/** A kind of attaching whose places are such lists. */
export const byMprog = (find: MprogFind, linkKind: string): AttachBody => ({
  attach: (request) => attach(find, request),
  direct: direct(find, linkKind),
});

function attach(find: MprogFind, { state, prog, attachType, attrs, command }: AttachRequest): Attachment {
  const { list, told, changed } = find(state, command, attrs.target ?? 0, attachType);
  const flags = attrs.flags ?? 0;
  if (flags & BPF_F_REPLACE) throw new BpfError(command, 'EINVAL', 'links are replaced by BPF_LINK_UPDATE');
  const hung = new Hung(prog, true);
  list.add(hung, prog.addr, placeOf(state, command, list, flags, attrs.relative));
  changed?.();
  return {
    flags,
    detach: () => {
      list.remove(hung);
      changed?.();
    },
    update: (next) => {
      hung.prog = next;
      list.replace(hung, next.addr);
    },
    ...told,
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
    before: (flags & BPF_F_BEFORE) !== 0,
    after: (flags & BPF_F_AFTER) !== 0,
    ...(relative?.expectedRevision === undefined ? {} : { expectedRevision: relative.expectedRevision }),
  };
  const named = relative?.fdOrId ?? 0;
  if (named === 0 && !(flags & (BPF_F_ID | BPF_F_LINK))) return place;
  const fits = matcher(state, command, flags, named);
  const found = list.items.find((item) => fits(hungOf(item)));
  if (found === undefined) throw new BpfError(command, 'ENOENT', 'what it is to be next to is not attached here');
  return { ...place, relative: found.key };
}
function matcher(state: BpfState, command: string, flags: number, named: number): (hung: Hung) => boolean {
  const isId = (flags & BPF_F_ID) !== 0;
  if (flags & BPF_F_LINK) {
    const link = isId ? state.links.get(named) : state.linkByFd(command, named);
    if (link === undefined) throw new BpfError(command, 'ENOENT', `no link has the id ${named}`);
    return (hung) => hung.byLink && hung.prog === link.prog;
  }
  const prog = isId ? state.progs.get(named) : state.progByFd(command, named);
  if (prog === undefined) throw new BpfError(command, 'ENOENT', `no program has the id ${named}`);
  return (hung) => hung.prog === prog;
}

/** BPF_PROG_ATTACH, _DETACH and _QUERY: the list holds the program. */
const direct = (find: MprogFind, linkKind: string): DirectAttach => ({
  attach(request) {
    const command = 'BPF_PROG_ATTACH';
    const { state, flags, relative, replace } = request;
    const prog = request.prog as BpfProg;
    const { list, changed } = find(state, command, request.target, request.attachType);
    if (list.items.some((item) => !hungOf(item).byLink && hungOf(item).prog === prog))
      throw new BpfError(command, 'EEXIST', `program ${prog.id} is attached here already`);
    if (flags & BPF_F_REPLACE) {
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
    changed?.();
  },
  detach(request) {
    const command = 'BPF_PROG_DETACH';
    const { state, flags, prog, relative } = request;
    const { list, changed } = find(state, command, request.target, request.attachType);
    const own = list.items.filter((item) => !hungOf(item).byLink);
    // without a program: the first or the last of the list
    const item =
      prog === undefined
        ? flags & BPF_F_AFTER
          ? list.items.at(-1)
          : list.items[0]
        : own.find((one) => hungOf(one).prog === prog);
    if (item === undefined) throw new BpfError(command, 'ENOENT', 'the program is not attached here');
    if (hungOf(item).byLink) throw new BpfError(command, 'EBUSY', 'a link holds it');
    list.remove(item.key, relative?.expectedRevision);
    hungOf(item).prog.put();
    changed?.();
  },
  query(request): QueryResult {
    const { state } = request;
    const { list } = find(state, 'BPF_PROG_QUERY', request.target, request.attachType);
    const links = [...state.links.all()].filter(({ kind }) => kind.name === linkKind);
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
});
