/** Links at netfilter's hooks (net/netfilter/nf_bpf_link.c). */
import { NFPROTO } from '../../net/netfilter.ts';
import { BpfError } from '../errors.ts';
import type { Attachment } from './attachment.ts';
import type { AttachRequest } from './kind.ts';

const NF_INET_NUMHOOKS = 5;
/** NF_IP_PRI_FIRST and _LAST, which nobody may have */
const [FIRST, LAST] = [-0x8000_0000, 0x7fff_ffff];
const BPF_F_NETFILTER_IP_DEFRAG = 1;
/** NF_IP_PRI_CONNTRACK_DEFRAG: who wants whole packets comes behind it */
const DEFRAG = -400;

export function netfilter({ state, prog, attrs, command }: AttachRequest): Attachment {
  const { pf = 0, hooknum = 0, priority: given = 0, flags = 0 } = attrs.netfilter ?? {};
  const priority = given | 0;
  if ((attrs.flags ?? 0) !== 0 || flags & ~BPF_F_NETFILTER_IP_DEFRAG)
    throw new BpfError(command, 'EINVAL', 'unknown flags');
  if (pf !== NFPROTO.IPV4 && pf !== NFPROTO.IPV6) throw new BpfError(command, 'EAFNOSUPPORT', `protocol family ${pf}`);
  if (hooknum >= NF_INET_NUMHOOKS) throw new BpfError(command, 'EPROTO', `hook ${hooknum}`);
  if (priority === FIRST || priority === LAST) throw new BpfError(command, 'ERANGE', `priority ${priority} is taken`);
  if (flags & BPF_F_NETFILTER_IP_DEFRAG && priority <= DEFRAG)
    throw new BpfError(command, 'ERANGE', `priority ${priority} is in front of what puts fragments together`);
  const { netfilter: place } = state.kernel.net;
  const key = {};
  place.add(pf, hooknum, key, prog.addr, priority);
  return {
    flags,
    detach: () => place.remove(key),
    info: () => ({ pf, hooknum, priority, flags }),
    fdinfo: () => `pf: ${pf}\thooknum: ${hooknum}\tprio: ${priority}\n`,
  };
}
