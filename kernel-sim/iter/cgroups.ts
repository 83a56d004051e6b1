/** The iterator over cgroups: one, its descendants (parents first or children first), or its ancestors (kernel/bpf/cgroup_iter.c). */
import type { Cgroup } from '../cgroup/cgroup.ts';
import type { PlacesFloor } from '../floors/places.ts';
import { ListWalk, type Walk } from './target.ts';

/** BPF_CGROUP_ITER_SELF_ONLY and its kin */
export const CGROUP_ORDER = { SELF_ONLY: 1, DESCENDANTS_PRE: 2, DESCENDANTS_POST: 3, ANCESTORS_UP: 4 } as const;

export function ordered(all: readonly Cgroup[], from: Cgroup, order: number): Cgroup[] {
  if (order === CGROUP_ORDER.SELF_ONLY) return [from];
  if (order === CGROUP_ORDER.ANCESTORS_UP) {
    const up: Cgroup[] = [];
    for (let at: Cgroup | undefined = from; at !== undefined; at = at.parent) up.push(at);
    return up;
  }
  const below = all.filter((group) => group.parent === from).flatMap((group) => ordered(all, group, order));
  return order === CGROUP_ORDER.DESCENDANTS_PRE ? [from, ...below] : [...below, from];
}

export const cgroups = (kernel: PlacesFloor, from: Cgroup, order: number): Walk =>
  new ListWalk(
    [0],
    () => ordered([...kernel.cgroups.all()], from, order),
    (group) => [kernel.cgroups.objects.address(group)],
  );
