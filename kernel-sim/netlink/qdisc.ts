/** RTM_GETQDISC and RTM_GETTCLASS: devices of the model send without queueing (include/uapi/linux/rtnetlink.h, `struct tcmsg`; tc(8)). */
import { concatBytes } from '../../src/platform/index.ts';
import type { NetDevice } from '../net/devices.ts';
import { text, u8 } from './message.ts';

const TC_H_ROOT = 0xffff_ffff;
const TCA = { KIND: 1, HW_OFFLOAD: 12 } as const;
/** a noqueue's, as `tc qdisc show` prints it */
const REFERENCES = 2;

/** `struct tcmsg` */
function tcmsg(index: number, handle: number, parent: number, info: number): Uint8Array {
  const out = new DataView(new ArrayBuffer(20));
  out.setInt32(4, index, true);
  out.setUint32(8, handle, true);
  out.setUint32(12, parent, true);
  out.setUint32(16, info, true);
  return new Uint8Array(out.buffer);
}

/** tcm_ifindex of a dump's request; 0: of all devices */
const asked = (payload: Uint8Array): number =>
  payload.length < 8 ? 0 : new DataView(payload.buffer, payload.byteOffset).getInt32(4, true);

export function qdiscs(device: NetDevice, payload: Uint8Array): Uint8Array[] {
  const index = asked(payload);
  if (index !== 0 && index !== device.index) return [];
  return [
    concatBytes([tcmsg(device.index, 0, TC_H_ROOT, REFERENCES), text(TCA.KIND, 'noqueue'), u8(TCA.HW_OFFLOAD, 0)]),
  ];
}
/** noqueue has none. */
export const classes = (): Uint8Array[] => [];
