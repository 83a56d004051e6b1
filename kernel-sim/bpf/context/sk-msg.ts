/** `struct sk_msg_md` of sk_msg programs: sk_msg_is_valid_access and sk_msg_convert_ctx_access of net/core/filter.c, Linux 6.12. */

import { alu32Imm } from '../../../src/isa/build.ts';
import { BPF_LSH } from '../../../src/isa/index.ts';
import type { ContextModel } from '../../../src/verifier/kernel.ts';
import type { ContextEnv } from './env.ts';
import { type Field, place, tableModel } from './fields.ts';
import { loadPath } from './path.ts';

const common = (name: string, member: string, more: Partial<Field> = {}): Field => ({
  name,
  size: 4,
  read: 'full',
  path: `sk_msg.sk->sock_common.${member}`,
  ...more,
});
const common6 = (name: string, member: string): Field => ({
  name,
  size: 16,
  read: 'full',
  ctxFieldSize: 4,
  load: (_, { layout, dst, src, delta }) => loadPath(layout, `sk_msg.sk->sock_common.${member}`, dst, src, 4, delta),
});

const FIELDS = place([
  { name: 'data', size: 8, read: 'full', regType: 'PTR_TO_PACKET', path: 'sk_msg.data' },
  { name: 'data_end', size: 8, read: 'full', regType: 'PTR_TO_PACKET_END', path: 'sk_msg.data_end' },
  common('family', 'skc_family'),
  common('remote_ip4', 'skc_daddr'),
  common('local_ip4', 'skc_rcv_saddr'),
  common6('remote_ip6', 'skc_v6_daddr'),
  common6('local_ip6', 'skc_v6_rcv_saddr'),
  common('remote_port', 'skc_dport', { after: (dst) => [alu32Imm(BPF_LSH, dst, 16)] }),
  common('local_port', 'skc_num'),
  { name: 'size', size: 4, read: 'full', path: 'sk_msg.sg.size' },
  { name: 'sk', size: 8, read: 'full', regType: 'PTR_TO_SOCKET', path: 'sk_msg.sk' },
]);

export const skMsgContext = (env: ContextEnv): ContextModel =>
  tableModel(env.layout, 'sk_msg_md', FIELDS, { prologue: () => [] });
