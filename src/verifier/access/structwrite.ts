/** Kernel structures that some program types may write in part (`btf_struct_access` of their verifier_ops). */

import type { Env } from '../env/env.ts';
import { PROG } from '../kinds.ts';

/** struct → writable members; a TCP socket begins with the others */
const tcpCc: Readonly<Record<string, readonly string[]>> = {
  tcp_sock: [
    'inet_conn.icsk_inet.sk.sk_pacing_rate',
    'inet_conn.icsk_inet.sk.sk_pacing_status',
    'inet_conn.icsk_ca_priv',
    'inet_conn.icsk_ack.pending',
    'snd_cwnd',
    'snd_cwnd_cnt',
    'snd_cwnd_stamp',
    'snd_ssthresh',
    'ecn_flags',
    'app_limited',
  ],
  bpf_dummy_ops_state: ['val'],
};
/** connection tracking: the packet's mark */
const netfilter: Readonly<Record<string, readonly string[]>> = { nf_conn: ['mark'] };

const tables: Readonly<Record<number, Readonly<Record<string, readonly string[]>>>> = {
  [PROG.STRUCT_OPS]: tcpCc,
  [PROG.SCHED_CLS]: netfilter,
  [PROG.SCHED_ACT]: netfilter,
  [PROG.XDP]: netfilter,
};

/** The program's type has fields that it may write. */
export const structWriter = (env: Env): boolean => tables[env.input.type] !== undefined;

export function checkStructWrite(env: Env, struct: string, off: number, size: number): void {
  const fields = tables[env.input.type]?.[struct];
  const { vmlinux } = env.kernel;
  if (!fields || !vmlinux) env.fail('EACCES', 'only read is supported');
  const inside = fields.some((path) => {
    const field = vmlinux.offsetOf(struct, path);
    return off >= field.offset && off + size <= field.offset + field.size;
  });
  if (!inside) env.fail('EACCES', `no write support to ${struct} at off ${off}`);
}
