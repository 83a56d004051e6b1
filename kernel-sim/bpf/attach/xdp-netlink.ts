/** Programs that rtnetlink puts on devices: IFLA_XDP of RTM_SETLINK (net/core/dev.c, dev_xdp_attach; include/uapi/linux/if_link.h, XDP_FLAGS_*). */
import { BPF_ATTACH_TYPE as A, BPF_PROG_TYPE as P } from '../../../src/uapi/index.ts';
import { KernelError } from '../../core/errno.ts';
import type { Process } from '../../core/process.ts';
import type { NetDevice } from '../../net/devices.ts';
import type { XdpMode } from '../../net/xdp.ts';
import type { BpfState } from '../objects/state.ts';
import { BpfProg } from '../prog/prog.ts';

export const XDP_FLAGS = { UPDATE_IF_NOEXIST: 1, SKB_MODE: 2, DRV_MODE: 4, HW_MODE: 8, REPLACE: 16 } as const;
const MODES = XDP_FLAGS.SKB_MODE | XDP_FLAGS.DRV_MODE | XDP_FLAGS.HW_MODE;
const ALL = 31;
const IF_DEVMAP_OR_CPUMAP: ReadonlyMap<number, string> = new Map([
  [A.XDP_DEVMAP, 'BPF_XDP_DEVMAP programs can not be attached to a device'],
  [A.XDP_CPUMAP, 'BPF_XDP_CPUMAP programs can not be attached to a device'],
]);

export class NetlinkXdp {
  readonly #state: BpfState;
  readonly #programs = new Map<NetDevice, BpfProg>();
  constructor(state: BpfState) {
    this.#state = state;
  }

  /** Descriptors are a process's. */
  as<R>(process: Process, action: () => R): R {
    return this.#state.as(process, action);
  }
  /** The program on a device, be it by netlink or by a link. */
  on(device: NetDevice): { readonly prog: BpfProg; readonly mode: XdpMode } | undefined {
    const there = this.#state.kernel.net.xdp.on(device);
    if (there === undefined) return undefined;
    const prog =
      this.#programs.get(device) ?? Array.from(this.#state.progs.all()).find(({ addr }) => addr === there.prog);
    return prog && { prog, mode: there.mode };
  }

  /**
   * `fd`: the program; -1 takes it off. `expected`: what must be there, with XDP_FLAGS_REPLACE.
   * @throws KernelError with the kernel's own words, where it has any, as its message
   */
  set(device: NetDevice, fd: number, flags: number, expected: number | undefined): void {
    const { xdp } = this.#state.kernel.net;
    const modes = flags & MODES;
    if (flags & ~ALL || (modes & (modes - 1)) !== 0) throw new KernelError('EINVAL', '');
    if (flags & XDP_FLAGS.REPLACE && expected === undefined) throw new KernelError('EINVAL', '');
    const prog = fd < 0 ? undefined : this.#program(fd);
    const old = expected === undefined || expected < 0 ? undefined : this.#program(expected);
    if (modes === XDP_FLAGS.HW_MODE)
      throw new KernelError('EOPNOTSUPP', 'Underlying driver does not support XDP in hardware mode');
    const mode: XdpMode = modes === XDP_FLAGS.DRV_MODE || (modes === 0 && device.nativeXdp) ? 'native' : 'generic';
    const there = xdp.on(device);
    const mine = this.#programs.get(device);
    if (there !== undefined && mine === undefined && there.mode === mode)
      throw new KernelError('EBUSY', "Can't replace active BPF XDP link");
    const current = there?.mode === mode ? mine : undefined;
    if (flags & XDP_FLAGS.REPLACE && current !== old)
      throw new KernelError('EEXIST', 'Active program does not match expected');
    if (prog !== undefined) this.#mayPut(device, prog, flags, mode, current);
    if (prog === current) return;
    xdp.set(device, mode, prog?.addr ?? 0);
    if (prog === undefined) this.#programs.delete(device);
    else this.#programs.set(device, prog.get());
    current?.put();
  }

  #mayPut(device: NetDevice, prog: BpfProg, flags: number, mode: XdpMode, current: BpfProg | undefined): void {
    const there = this.#state.kernel.net.xdp.on(device);
    if (there !== undefined && there.mode !== mode)
      throw new KernelError('EEXIST', "Native and generic XDP can't be active at the same time");
    if (flags & XDP_FLAGS.UPDATE_IF_NOEXIST && current !== undefined)
      throw new KernelError('EBUSY', 'XDP program already attached');
    const refused = IF_DEVMAP_OR_CPUMAP.get(prog.expectedAttachType ?? 0);
    if (refused !== undefined) throw new KernelError('EINVAL', refused);
    if (mode === 'native' && !device.nativeXdp)
      throw new KernelError('EOPNOTSUPP', 'Underlying driver does not support XDP in native mode');
  }
  #program(fd: number): BpfProg {
    const prog = this.#state.process.fds.find(fd);
    if (prog === undefined) throw new KernelError('EBADF', '');
    if (!(prog instanceof BpfProg) || prog.type !== P.XDP) throw new KernelError('EINVAL', '');
    return prog;
  }
}
