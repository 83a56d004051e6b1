/** Programs of both ends of a netkit pair, by its primary device (drivers/net/netkit.c, Linux 6.12). */
import { BPF_ATTACH_TYPE as A } from '../../../src/uapi/index.ts';
import { byMprog } from './mprog.ts';
import { deviceOf } from './xdp.ts';

export const netkit = byMprog((state, command, target, attachType) => {
  const device = deviceOf(state, command, target, 'ENODEV');
  const end = attachType === A.NETKIT_PEER ? 'peer' : 'primary';
  return {
    list: state.kernel.net.netkit.of(device, end),
    told: {
      info: () => ({ ifindex: device.index, attach_type: attachType }),
      fdinfo: () => `ifindex:\t${device.index}\nattach_type:\t${attachType} (netkit_${end})\n`,
    },
  };
}, 'netkit');
