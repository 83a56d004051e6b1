/** Who the command is told it is, and on which kernel: root, on the model's. */
import { ALL_CAPS } from '../../../kernel-sim/core/process.ts';
import { utsname } from '../../../kernel-sim/syscall/user-layouts.ts';
import type { Handler } from './call.ts';

const LINUX_CAPABILITY_VERSION_1 = 0x19980330;
const LINUX_CAPABILITY_VERSION_3 = 0x20080522;
const EFAULT = -14;
const EINVAL = -22;

/** capget(2): effective, permitted and inheritable, 32 bits a time */
const capget: Handler = (call) => {
  const header = call.process.memory.read(call.at(0), 4);
  if (!header) return EFAULT;
  const version = new DataView(header.buffer, header.byteOffset).getUint32(0, true);
  if (version < LINUX_CAPABILITY_VERSION_1 || version > LINUX_CAPABILITY_VERSION_3) {
    const known = new DataView(new ArrayBuffer(4));
    known.setUint32(0, LINUX_CAPABILITY_VERSION_3, true);
    call.write(call.at(0), new Uint8Array(known.buffer));
    return call.at(1) === 0 ? 0 : EINVAL;
  }
  const halves = version === LINUX_CAPABILITY_VERSION_1 ? 1 : 2;
  const out = new DataView(new ArrayBuffer(12 * halves));
  for (let n = 0; n < halves; n++) {
    const bits = Number((ALL_CAPS >> BigInt(32 * n)) & 0xffff_ffffn);
    out.setUint32(12 * n, bits, true);
    out.setUint32(12 * n + 4, bits, true);
  }
  return call.at(1) === 0 ? 0 : call.write(call.at(1), new Uint8Array(out.buffer));
};

export const IDENTITY = {
  uname: (call) => {
    const { release, version } = call.door.model;
    return call.write(call.at(0), utsname(['Linux', 'ebpf-emu', release, version, 'x86_64', '(none)']));
  },
  capget,
  // RLIMIT_MEMLOCK: memory is accounted elsewhere since 5.11, and root may raise it anyway
  prlimit64: (call) => {
    if (call.at(3) === 0) return 0;
    const unlimited = new Uint8Array(16).fill(0xff);
    return call.write(call.at(3), unlimited);
  },
  setrlimit: () => 0,
} satisfies Record<string, Handler>;
