import { BpfError } from '../errors.ts';
import type { BpfState } from './state.ts';

/** A token that delegates capabilities (BPF_TOKEN_CREATE). The first user namespace, the only one here, has none. @throws BpfError */
export function tokenByFd(state: BpfState, command: string, fd: number): never {
  const object = state.fdObject(command, fd);
  throw new BpfError(command, 'EINVAL', `${object.fdName} is no token`);
}
