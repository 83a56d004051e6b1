/** Programs of sockmaps: one of a kind a map, for sockets that come into it from then on (net/core/sock_map.c, Linux 6.12). */
import { BPF_ATTACH_TYPE as A } from '../../../src/uapi/index.ts';
import { KernelError } from '../../core/errno.ts';
import type { SockMapProgs } from '../../net/psock.ts';
import { SockMap } from '../maps/index.ts';
import type { BpfState } from '../objects/state.ts';
import { BpfProg } from '../prog/prog.ts';
import type { Attachment } from './attachment.ts';
import type { AttachRequest, DirectAttach } from './kind.ts';

const PLACE: Readonly<Record<number, keyof SockMapProgs>> = {
  [A.SK_MSG_VERDICT]: 'msg',
  [A.SK_SKB_STREAM_PARSER]: 'parser',
  [A.SK_SKB_STREAM_VERDICT]: 'verdict',
  [A.SK_SKB_VERDICT]: 'skbVerdict',
};

function at(state: BpfState, command: string, fd: number, attachType: number) {
  const map = state.mapByFd(command, fd);
  const place = PLACE[attachType];
  if (!(map instanceof SockMap) || place === undefined)
    throw new KernelError('EOPNOTSUPP', `${map.describe()} takes no such program`);
  // a verdict on segments is one or the other
  const other = place === 'verdict' ? 'skbVerdict' : place === 'skbVerdict' ? 'verdict' : undefined;
  if (other !== undefined && map.progs[other] !== 0)
    throw new KernelError('EBUSY', 'the map has a verdict program of the other kind');
  return { map, place };
}

export function sockmap({ state, prog, attachType, attrs, command }: AttachRequest): Attachment {
  const { map, place } = at(state, command, attrs.target ?? -1, attachType);
  if (attrs.flags) throw new KernelError('EINVAL', 'links on sockmaps take no flags');
  if (map.progs[place] !== 0) throw new KernelError('EBUSY', `${map.describe()} has such a program`);
  map.progs[place] = prog.addr;
  return {
    detach: () => {
      map.progs[place] = 0;
    },
    update: (next) => {
      if (next.type !== prog.type) throw new KernelError('EINVAL', 'the new program is of another type');
      map.progs[place] = next.addr;
    },
    info: () => ({ map_id: map.id, attach_type: attachType }),
    fdinfo: () => `map_id:\t${map.id}\nattach_type:\t${attachType}\n`,
  };
}

const held = (state: BpfState, addr: number): BpfProg | undefined =>
  [...state.progs.all()].find((one) => one instanceof BpfProg && one.addr === addr);

export const sockmapDirect: DirectAttach = {
  attach({ state, target, attachType, prog }) {
    if (prog === undefined) throw new KernelError('EINVAL', 'a program is needed');
    const { map, place } = at(state, 'BPF_PROG_ATTACH', target, attachType);
    const before = held(state, map.progs[place]);
    map.progs[place] = prog.get().addr;
    before?.put();
  },
  detach({ state, target, attachType, prog }) {
    const { map, place } = at(state, 'BPF_PROG_DETACH', target, attachType);
    const before = held(state, map.progs[place]);
    if (before === undefined || (prog !== undefined && prog !== before))
      throw new KernelError('ENOENT', 'the program is not attached here');
    map.progs[place] = 0;
    before.put();
  },
  query({ state, target, attachType }) {
    const { map, place } = at(state, 'BPF_PROG_QUERY', target, attachType);
    const prog = held(state, map.progs[place]);
    return { attachFlags: 0, programs: prog === undefined ? [] : [{ prog }] };
  },
};
