/** Programs at a device's ingress and egress: tcx (kernel/bpf/tcx.c). */
import { BPF_ATTACH_TYPE as A } from '../../../src/uapi/index.ts';
import { byMprog } from './mprog.ts';
import { deviceOf } from './xdp.ts';

export const tcx = byMprog((state, command, target, attachType) => {
  const device = deviceOf(state, command, target, 'ENODEV');
  const direction = attachType === A.TCX_EGRESS ? 'egress' : 'ingress';
  const { tcx: place } = state.kernel.net;
  return {
    list: place.of(device, direction),
    changed: () => place.changed(device, direction),
    told: {
      info: () => ({ ifindex: device.index, attach_type: attachType }),
      fdinfo: () => `ifindex:\t${device.index}\nattach_type:\t${attachType} (tcx_${direction})\n`,
    },
  };
}, 'tcx');
