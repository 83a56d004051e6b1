import type { Env } from '../env/env.ts';
import type { MapFacts } from '../kernel.ts';
import type { Reg } from '../state/reg.ts';

export function processTimer(
  env: Env,
  reg: Reg,
  regno: number,
  meta: { map: MapFacts | undefined; mapUid: number },
): void {
  const { map } = reg;
  if (!reg.v.isConst)
    env.fail('EINVAL', `R${regno} doesn't have constant offset. bpf_timer has to be at the constant offset`);
  if (!map?.btf) env.fail('EINVAL', `map '${map?.name}' has to have BTF in order to use bpf_timer`);
  const field = env.records.ofMap(map).find((f) => f.kind === 'bpf_timer');
  if (!field) env.fail('EINVAL', `map '${map.name}' has no valid bpf_timer`);
  const off = reg.v.sminNumber + reg.off;
  if (field.offset !== off)
    env.fail('EINVAL', `off ${off} doesn't point to 'struct bpf_timer' that is at ${field.offset}`);
  if (meta.map) env.fail('EFAULT', 'verifier bug. Two map pointers in a timer helper');
  meta.mapUid = reg.mapUid;
  meta.map = map;
}
