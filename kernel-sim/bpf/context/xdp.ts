/** `struct xdp_md`, the context of XDP programs: xdp_is_valid_access and xdp_convert_ctx_access of net/core/filter.c, Linux 6.12. */

import { attachType } from '../../../src/uapi/index.ts';
import type { ContextModel } from '../../../src/verifier/kernel.ts';
import type { ContextEnv } from './env.ts';
import { place, tableModel } from './fields.ts';

const FIELDS = place([
  { name: 'data', size: 4, read: 'full', regType: 'PTR_TO_PACKET', path: 'xdp_buff.data' },
  { name: 'data_end', size: 4, read: 'full', regType: 'PTR_TO_PACKET_END', path: 'xdp_buff.data_end' },
  { name: 'data_meta', size: 4, read: 'full', regType: 'PTR_TO_PACKET_META', path: 'xdp_buff.data_meta' },
  { name: 'ingress_ifindex', size: 4, read: 'full', path: 'xdp_buff.rxq->xdp_rxq_info.dev->net_device.ifindex' },
  { name: 'rx_queue_index', size: 4, read: 'full', path: 'xdp_buff.rxq->xdp_rxq_info.queue_index' },
  {
    name: 'egress_ifindex',
    size: 4,
    read: 'full',
    only: new Set([attachType('xdp_devmap')]),
    path: 'xdp_buff.txq->xdp_txq_info.dev->net_device.ifindex',
  },
]);

export const xdpContext = (env: ContextEnv): ContextModel =>
  tableModel(env.layout, 'xdp_md', FIELDS, { prologue: () => [] });
