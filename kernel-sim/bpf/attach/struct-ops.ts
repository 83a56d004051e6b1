/** A link that registers a struct_ops map's structure (BPF_STRUCT_OPS); it holds a map where others hold a program. */
import { BPF_LINK_TYPE } from '../../../src/uapi/index.ts';
import { KernelError } from '../../core/errno.ts';
import type { BpfMap } from '../maps/index.ts';
import { StructOpsMap } from '../maps/struct-ops.ts';
import type { BpfState } from '../objects/state.ts';
import { BpfLink } from './link.ts';

function ready(map: BpfMap): StructOpsMap {
  if (map instanceof StructOpsMap && map.isReady) return map;
  throw new KernelError('EINVAL', `${map.describe()} is no filled struct_ops map that is registered by a link`);
}

/** @throws KernelError EINVAL, and what registering throws */
export function structOpsLink(state: BpfState, given: BpfMap): BpfLink {
  const held = { map: ready(given) };
  held.map.register();
  held.map.get();
  const link = new BpfLink({ name: 'struct_ops', mayDetach: true }, BPF_LINK_TYPE.STRUCT_OPS, undefined, {
    state: held,
    detach: () => {
      held.map.unregister();
      held.map.put();
    },
    replaceMap: (next, old) => {
      const { map } = held;
      const into = ready(next);
      if (old !== undefined && old !== map) throw new KernelError('EPERM', 'the link has another map');
      into.replace(map);
      held.map = into.get();
      map.put();
    },
    info: () => ({ map_id: held.map.id }),
    fdinfo: () => `map_id:\t${held.map.id}\n`,
  });
  link.freed.add(() => state.links.remove(link));
  state.links.add(link);
  return link;
}
