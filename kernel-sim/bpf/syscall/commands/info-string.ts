/** Strings in information structures: cut to the caller's room, which is then ENOSPC. */

import type { Addr } from '../../../../src/machine/addr.ts';
import { encodeUtf8 } from '../../../../src/platform/index.ts';
import type { Call } from './call.ts';

/** The error that the command ends with, once all else was copied; undefined where the string fits. @throws EFAULT */
export function copyString(call: Call, text: string, at: Addr, room: number): (() => never) | undefined {
  const bytes = encodeUtf8(text);
  const fits = bytes.length < room;
  const out = new Uint8Array(fits ? bytes.length + 1 : room);
  out.set(bytes.subarray(0, out.length - 1));
  call.copyOut(at, out);
  return fits ? undefined : () => call.fail('ENOSPC', `'${text}' takes ${bytes.length + 1} bytes`);
}
