/** Why a buffer is dropped: `enum skb_drop_reason`, numbers by the active BTF (include/net/dropreason-core.h). */
import type { Ground } from '../floors/ground.ts';

/** The reasons that the modelled path gives, by what text passes to `@drop_reason`. */
export const REASONS = [
  'NOT_SPECIFIED',
  'NO_SOCKET',
  'SOCKET_FILTER',
  'SOCKET_RCVBUFF',
  'OTHERHOST',
  'IP_CSUM',
  'IP_INHDR',
  'UNHANDLED_PROTO',
  'TC_INGRESS',
  'TC_EGRESS',
  'XDP',
  'NETFILTER_DROP',
  'BPF_CGROUP_EGRESS',
  'PKT_TOO_SMALL',
  'IP_NOPROTO',
  'IP_INADDRERRORS',
  'DEV_READY',
  'QUEUE_PURGE',
] as const;
export type Reason = (typeof REASONS)[number];

export class DropReasons {
  readonly #kernel: Ground;
  #numbers: Map<string, number> | undefined;
  constructor(kernel: Ground) {
    this.#kernel = kernel;
  }
  /** Value of SKB_DROP_REASON_...; a reason that this kernel's BTF has not is NOT_SPECIFIED, which all have. */
  number(reason: Reason): number {
    return this.#all().get(reason) ?? this.#all().get('NOT_SPECIFIED') ?? 2;
  }
  /** `NO_SOCKET`, as `perf trace` and dropwatch print them; undefined for a number that is none. */
  name(number: number): string | undefined {
    for (const [name, value] of this.#all()) if (value === number) return name;
    return undefined;
  }
  #all(): Map<string, number> {
    if (this.#numbers) return this.#numbers;
    const { btf } = this.#kernel;
    const numbers = new Map<string, number>();
    const id = btf.findByName('skb_drop_reason', 'enum');
    const type = id > 0 ? btf.typeById(id) : undefined;
    if (type?.kind === 'enum')
      for (const { name, value } of type.values) numbers.set(name.replace(/^SKB_(DROP_REASON_)?/, ''), Number(value));
    this.#numbers = numbers;
    return numbers;
  }
}
