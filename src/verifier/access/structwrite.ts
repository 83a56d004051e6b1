/** Kernel structures that some program types may write in part (`btf_struct_access` of their verifier_ops). */
import type { Env } from '../env/env.ts';
import { PROG } from '../kinds.ts';

/** a TCP socket begins with the others */
const TCP_FIELDS: readonly string[] = [
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
];
/** any part of it may be written; of the others, what begins where they begin */
const SCRATCH = 'inet_conn.icsk_ca_priv';

type Writer = (env: Env, struct: string, off: number, size: number) => void;

/** bpf_tcp_ca_btf_struct_access() */
function tcpCongestion(env: Env, struct: string, off: number, size: number): void {
  const { vmlinux } = env.kernel;
  if (struct !== 'tcp_sock' || !vmlinux) env.fail('EACCES', 'only read is supported');
  const field = TCP_FIELDS.map((path) => ({ path, ...vmlinux.offsetOf(struct, path) })).find(
    (f) => f.offset === off || (f.path === SCRATCH && off > f.offset && off < f.offset + f.size),
  );
  if (!field) env.fail('EACCES', `no write support to ${struct} at off ${off}`);
  const end = field.offset + field.size;
  if (off + size > end)
    env.fail('EACCES', `write access at off ${off} with size ${size} beyond the member of ${struct} ended at ${end}`);
}

/** bpf_dummy_ops_btf_struct_access() */
function dummy(env: Env, struct: string, off: number, size: number): void {
  const { vmlinux } = env.kernel;
  if (struct !== 'bpf_dummy_ops_state' || !vmlinux)
    env.fail('EACCES', 'only access to bpf_dummy_ops_state is supported');
  if (off + size > vmlinux.sizeOf(vmlinux.findByName(struct, 'struct')))
    env.fail('EACCES', `write access at off ${off} with size ${size}`);
}

/** Connection tracking's structure, while its module is not there: nothing is said. */
const tracking: Writer = (env) => env.quit('EACCES');

const structOps: Readonly<Record<string, Writer>> = { tcp_congestion_ops: tcpCongestion, bpf_dummy_ops: dummy };
const byType: Readonly<Record<number, Writer>> = {
  [PROG.SCHED_CLS]: tracking,
  [PROG.SCHED_ACT]: tracking,
  [PROG.XDP]: tracking,
};

/** The rule of the program's type for writes; undefined where it has none. */
export const structWriter = (env: Env): Writer | undefined =>
  env.input.type === PROG.STRUCT_OPS ? structOps[env.attachStruct] : byType[env.input.type];
