/** Iterators: a link holds what is gone over; whoever opens it has a walk of his own. */

import { BpfError, NotModelledError } from '../errors.ts';
import { BpfIter } from '../iter/iterator.ts';
import { type Bound, ITER_TARGETS, iterTargetOf } from '../iter/targets.ts';
import type { BpfProg } from '../prog/prog.ts';
import type { Attachment } from './attachment.ts';
import type { AttachRequest } from './kind.ts';

/** sizeof(union bpf_iter_link_info) */
const INFO_SIZE = 16;
const PREFIX = 'bpf_iter_';

export function iter({ state, prog, attrs, command }: AttachRequest): Attachment {
  const given = attrs.iterInfo ?? new Uint8Array(0);
  if ((attrs.target ?? 0) !== 0 || (attrs.flags ?? 0) !== 0)
    throw new BpfError(command, 'EINVAL', 'no target and no flags are taken');
  if (given.subarray(INFO_SIZE).some((b) => b !== 0))
    throw new BpfError(command, 'E2BIG', `${given.length} bytes of bpf_iter_link_info, ${INFO_SIZE} mean something`);
  const name = state.kernel.btf.typeById(prog.init.attachBtfId).name.slice(PREFIX.length);
  const target = iterTargetOf(name);
  if (target === undefined)
    throw new NotModelledError(command, `the iterator ${name}; there are ${ITER_TARGETS.join(', ')}`);
  if (prog.sleepable && !target.maySleep)
    throw new BpfError(command, 'EINVAL', `sleepable programs do not iterate over ${name}`);
  const bytes = new Uint8Array(INFO_SIZE);
  bytes.set(given.subarray(0, INFO_SIZE));
  const bound: Bound = target.bind(state, new DataView(bytes.buffer), prog);
  bound.map?.get();
  let current: BpfProg = prog;
  return {
    open: () => new BpfIter(state, current, bound, state.nextSession()),
    update: (next) => {
      if (next.type !== prog.type || next.expectedAttachType !== prog.expectedAttachType)
        throw new BpfError('BPF_LINK_UPDATE', 'EINVAL', 'the program is of another type');
      if (next.init.attachBtfId !== prog.init.attachBtfId)
        throw new BpfError('BPF_LINK_UPDATE', 'EINVAL', 'the program is for another target');
      current = next;
    },
    detach: () => bound.map?.put(),
    info: () => ({ target_name: name, ...bound.info }),
    fdinfo: () => `target_name:\t${name}\n${fdinfo(bound)}`,
  };
}
/** What targets show of theirs. */
function fdinfo({ info }: Bound): string {
  const { map } = info as { readonly map?: { readonly map_id: number } };
  return map === undefined ? '' : `map_id:\t${map.map_id}\n`;
}
