/** XDP links on devices (net/core/dev.c, bpf_xdp_link_attach; include/uapi/linux/if_link.h, XDP_FLAGS_*). */
import { BPF_ATTACH_TYPE as A } from '../../../src/uapi/index.ts';
import type { NetDevice } from '../../net/devices.ts';
import type { XdpMode } from '../../net/xdp.ts';
import { BpfError } from '../errors.ts';
import type { BpfState } from '../objects/state.ts';
import type { BpfProg } from '../prog/prog.ts';
import type { Attachment } from './attachment.ts';
import type { AttachRequest } from './kind.ts';

/** XDP_FLAGS_SKB_MODE, _DRV_MODE, _HW_MODE */
const FLAG = { SKB: 2, DRV: 4, HW: 8 } as const;
const MODES = FLAG.SKB | FLAG.DRV | FLAG.HW;

/** The device of an index in the network namespace of the caller. @throws BpfError */
export function deviceOf(state: BpfState, command: string, index: number, errno: 'EINVAL' | 'ENODEV'): NetDevice {
  const device = state.kernel.net.devices.byIndex(index);
  if (device === undefined) throw new BpfError(command, errno, `no network device ${index}`);
  return device;
}

export function xdp({ state, prog, attrs, command }: AttachRequest): Attachment {
  const { xdp: place } = state.kernel.net;
  const device = deviceOf(state, command, attrs.target ?? 0, 'EINVAL');
  const flags = attrs.flags ?? 0;
  const mode = modeOf(command, device, flags);
  checkProgram(command, prog);
  const before = place.on(device);
  if (before !== undefined)
    throw before.mode === mode
      ? new BpfError(command, 'EBUSY', `${device.name} has an XDP program already`)
      : new BpfError(
          command,
          'EEXIST',
          `${device.name} has an XDP program in ${before.mode} mode: native and generic exclude each other`,
        );
  place.set(device, mode, prog.addr);
  return {
    flags,
    detach: () => place.set(device, mode, 0),
    update: (next) => {
      if (next.type !== prog.type || next.expectedAttachType !== prog.expectedAttachType)
        throw new BpfError('BPF_LINK_UPDATE', 'EINVAL', 'the new program is of another type');
      place.set(device, mode, next.addr);
    },
    info: () => ({ ifindex: device.index }),
    fdinfo: () => `ifindex:\t${device.index}\n`,
  };
}

function modeOf(command: string, device: NetDevice, flags: number): XdpMode {
  const asked = flags & MODES;
  if (flags & ~MODES || (asked & (asked - 1)) !== 0)
    throw new BpfError(command, 'EINVAL', `flags ${flags}: one mode at most`);
  if (asked === FLAG.HW) throw new BpfError(command, 'EOPNOTSUPP', `${device.name} runs no programs in hardware`);
  if (asked === FLAG.DRV) return 'native';
  return asked === FLAG.SKB || !device.nativeXdp ? 'generic' : 'native';
}

function checkProgram(command: string, prog: BpfProg): void {
  const type = prog.expectedAttachType;
  if (type === A.XDP_DEVMAP || type === A.XDP_CPUMAP)
    throw new BpfError(command, 'EINVAL', 'programs of devmaps and cpumaps run behind a redirect, not on a device');
}
