/** Contexts of Linux 6.12: what programs may read and write of R1 and of socket pointers, and what that becomes. */

import type { ContextModel } from '../../../src/verifier/kernel.ts';
import type { ContextEnv } from './env.ts';
import { sockCommonPointer, sockPointer, tcpSockPointer, xdpSockPointer } from './sock.ts';

export { layoutOf, type StructLayout } from '../../core/field-layout.ts';
export type { ContextEnv } from './env.ts';
export { iterTarget } from './iter.ts';

const POINTERS: Readonly<Record<string, (env: ContextEnv) => ContextModel>> = {
  PTR_TO_SOCKET: sockPointer,
  PTR_TO_SOCK_COMMON: sockCommonPointer,
  PTR_TO_TCP_SOCK: tcpSockPointer,
  PTR_TO_XDP_SOCK: xdpSockPointer,
};

/** What lies behind a socket pointer in a register. */
export const pointerModel = (regType: string, env: ContextEnv): ContextModel | undefined => POINTERS[regType]?.(env);
