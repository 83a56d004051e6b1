/** What the kernel's own congestion algorithms do, for algorithms of programs (RFC 5681; net/ipv4/tcp_cong.c, Linux 6.12). */
import { GuestStruct } from '../../../core/guest-struct.ts';
import type { HelperBodies, HelperBody, HelperCall } from '../../helpers/bodies/call.ts';

const none: HelperBody = ({ args }) => args.ret(0, 0);
const tcp = (call: HelperCall): GuestStruct => new GuestStruct(call.kernel, 'tcp_sock', call.args.addr(0));

/** `tcp_slow_start`: a segment more for each that was acknowledged, up to the threshold; what is left of them. */
function slowStart(tp: GuestStruct, acked: number): number {
  const now = tp.get('snd_cwnd');
  const next = Math.min(now + acked, tp.get('snd_ssthresh'));
  tp.set('snd_cwnd', Math.min(next, tp.get('snd_cwnd_clamp')));
  return acked - (next - now);
}
/** `tcp_cong_avoid_ai`: a segment more for each window's worth */
function avoid(tp: GuestStruct, window: number, acked: number): void {
  if (tp.get('snd_cwnd_cnt') >= window) tp.set('snd_cwnd_cnt', 0).set('snd_cwnd', tp.get('snd_cwnd') + 1);
  const count = tp.get('snd_cwnd_cnt') + acked;
  const more = Math.floor(count / window);
  tp.set('snd_cwnd_cnt', count - more * window);
  tp.set('snd_cwnd', Math.min(tp.get('snd_cwnd') + more, tp.get('snd_cwnd_clamp')));
}
const reno: HelperBody = (call) => {
  const tp = tcp(call);
  let acked = call.args.u32(2);
  if (tp.get('snd_cwnd') < tp.get('snd_ssthresh')) acked = slowStart(tp, acked);
  if (acked > 0) avoid(tp, tp.get('snd_cwnd'), acked);
  call.args.ret(0, 0);
};
const halved: HelperBody = (call) => call.args.retU32(Math.max(tcp(call).get('snd_cwnd') >>> 1, 2));

export const TCP_KFUNCS: HelperBodies = {
  tcp_slow_start: (call) => call.args.retU32(slowStart(tcp(call), call.args.u32(1))),
  tcp_cong_avoid_ai: (call) => {
    avoid(tcp(call), call.args.u32(1), call.args.u32(2));
    call.args.ret(0, 0);
  },
  tcp_reno_ssthresh: halved,
  tcp_reno_undo_cwnd: (call) => {
    const tp = tcp(call);
    call.args.retU32(Math.max(tp.get('snd_cwnd'), tp.get('prior_cwnd')));
  },
  tcp_reno_cong_avoid: reno,
  // CUBIC (RFC 9438) without time to grow by: as Reno in its friendly region
  cubictcp_cong_avoid: reno,
  cubictcp_recalc_ssthresh: (call) =>
    call.args.retU32(Math.max(Math.floor((tcp(call).get('snd_cwnd') * 717) / 1024), 2)),
  cubictcp_init: none,
  cubictcp_state: none,
  cubictcp_cwnd_event: none,
  cubictcp_acked: none,
};
