/** Programs that sockets get by setsockopt (socket(7): SO_ATTACH_BPF, SO_ATTACH_REUSEPORT_EBPF): recorded calls name them by descriptors of then. */
import { BPF_PROG_TYPE as P, progTypeName } from '../../../src/uapi/index.ts';
import { BpfError } from '../errors.ts';
import type { BpfState } from '../objects/state.ts';
import type { BpfProg } from '../prog/prog.ts';

/** Sockets that ask for a program of its kind get this one, until what this gives is called. */
export function offerToSockets(state: BpfState, command: string, prog: BpfProg): () => void {
  if (prog.type !== P.SOCKET_FILTER && prog.type !== P.SK_REUSEPORT)
    throw new BpfError(command, 'EINVAL', `sockets take no ${progTypeName(prog.type)} program`);
  const { options } = state.kernel.net;
  const isFilter = prog.type === P.SOCKET_FILTER;
  options.offer('reuseport', prog.addr, isFilter);
  if (isFilter) options.offer('filter', prog.addr, true);
  prog.get();
  return () => {
    options.withdraw('reuseport', prog.addr);
    if (isFilter) options.withdraw('filter', prog.addr);
    prog.put();
  };
}
