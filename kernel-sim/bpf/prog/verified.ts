/** The verifier's part of PROG_LOAD: what it is given, and what its result becomes. */
import { NotModelledError } from '../errors.ts';
import type { BpfState } from '../state.ts';
import type { Engines } from './build.ts';
import type { LoadRequest } from './load.ts';

export function verifyAndRewrite(_state: BpfState, _engines: Engines, _request: LoadRequest): never {
  throw new NotModelledError('BPF_PROG_LOAD', 'the verifier');
}
