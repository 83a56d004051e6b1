/** Programs on a route, as `ip route add TO encap bpf HOOK obj FILE` puts them there: by netlink, so that no link holds them (ip-route(8)). */
import { required, type Schema } from '../../../src/errors/argument.ts';
import * as is from '../../../src/errors/checks.ts';
import { BPF_PROG_TYPE as P, progTypeName } from '../../../src/uapi/index.ts';
import { LWT_HOOKS, type LwtHook } from '../../net/lwt.ts';
import { asBpf, BpfError } from '../errors.ts';
import type { BpfState } from '../objects/state.ts';
import type { BpfProg } from '../prog/prog.ts';

export interface RouteEncapAttrs {
  readonly prog: number | { readonly fd: number };
  /** `10.1.0.0/16` */
  readonly to: string;
  /** where on the route; default: what the program's type says */
  readonly hook?: LwtHook;
}
export const ROUTE_ENCAP_ATTRS: Schema<RouteEncapAttrs> = {
  prog: required(is.fdOrHandle),
  to: required(is.text),
  hook: is.oneOf(...LWT_HOOKS),
};
const HOOK: Readonly<Record<number, LwtHook>> = { [P.LWT_IN]: 'in', [P.LWT_OUT]: 'out', [P.LWT_XMIT]: 'xmit' };

/** Gives what ends it. @throws BpfError EINVAL for a program of another type, or text that is no network */
export function encapRoute(state: BpfState, prog: BpfProg, { to, hook }: Omit<RouteEncapAttrs, 'prog'>): () => void {
  const command = 'RTM_NEWROUTE';
  const own = HOOK[prog.type];
  if (own === undefined || (hook !== undefined && hook !== own))
    throw new BpfError(
      command,
      'EINVAL',
      `a ${progTypeName(prog.type)} program has no place at a route's ${hook ?? 'hooks'}`,
    );
  const key = {};
  asBpf(command, () => state.kernel.net.lwt.add(key, to, own, prog.addr));
  prog.get();
  let held = true;
  return () => {
    if (!held) return;
    held = false;
    state.kernel.net.lwt.remove(key);
    prog.put();
  };
}
