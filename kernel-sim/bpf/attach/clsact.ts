/** Filters of cls_bpf, as tc(8) and libbpf's bpf_tc_attach put them on a device: by netlink, so that no link holds them (tc-bpf(8)). */
import { required, type Schema } from '../../../src/errors/argument.ts';
import * as is from '../../../src/errors/checks.ts';
import { BPF_PROG_TYPE as P, progTypeName } from '../../../src/uapi/index.ts';
import type { ClsBpf } from '../../net/clsact.ts';
import { asBpf, BpfError } from '../errors.ts';
import type { BpfState } from '../objects/state.ts';
import type { BpfProg } from '../prog/prog.ts';
import { deviceOf } from './xdp.ts';

/** `struct bpf_tc_hook` and `bpf_tc_opts`. */
export interface TcAttachAttrs {
  readonly prog: number | { readonly fd: number };
  /** index of the device, which gets a clsact qdisc where it has none */
  readonly ifindex: number;
  readonly egress?: boolean;
  /** 1..65535, the lowest is asked first; one of the kernel's where it is left out, in front of the others */
  readonly priority?: number;
  readonly handle?: number;
  /** ETH_P_*; default 3, all */
  readonly protocol?: number;
  /** what the program returns is the verdict (`da`); default true */
  readonly directAction?: boolean;
}
export const TC_ATTACH_ATTRS: Schema<TcAttachAttrs> = {
  prog: required(is.fdOrHandle),
  ifindex: required(is.u32),
  egress: is.bool,
  priority: is.u32,
  handle: is.u32,
  protocol: is.u32,
  directAction: is.bool,
};
/** A filter on its device. */
export interface TcFilter {
  readonly priority: number;
  readonly handle: number;
  /** `tc filter del` */
  detach(): void;
}

/** who a filter on a device is, for those who list them (`bpftool net`) */
export class TcProg {
  readonly prog: BpfProg;
  constructor(prog: BpfProg) {
    this.prog = prog;
  }
}
/** The program of a filter. */
export const progOfFilter = ({ key }: ClsBpf): BpfProg | undefined => (key instanceof TcProg ? key.prog : undefined);

/** @throws BpfError EINVAL for another type of program or no device, EEXIST where priority and handle are taken */
export function attachFilter(state: BpfState, prog: BpfProg, attrs: Omit<TcAttachAttrs, 'prog'>): TcFilter {
  const command = 'RTM_NEWTFILTER';
  if (prog.type !== P.SCHED_CLS)
    throw new BpfError(command, 'EINVAL', `a ${progTypeName(prog.type)} program is no classifier`);
  const device = deviceOf(state, command, attrs.ifindex, 'ENODEV');
  const { clsact } = state.kernel.net;
  const direction = attrs.egress ? 'egress' : 'ingress';
  const key = new TcProg(prog);
  const { ifindex: _, egress: __, ...asked } = attrs;
  clsact.install(device);
  const filter = asBpf(command, () => clsact.add(device, direction, { ...asked, key, prog: prog.addr }));
  prog.get();
  let held = true;
  const detach = (): void => {
    if (!held) return;
    held = false;
    clsact.remove(device, direction, key);
    prog.put();
  };
  return { priority: filter.priority, handle: filter.handle, detach };
}
