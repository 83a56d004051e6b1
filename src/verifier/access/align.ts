/** Alignment of memory accesses (check_ptr_alignment()). */
import { isAligned } from '../domain/bounds.ts';
import type { Env } from '../env/env.ts';
import type { Reg } from '../state/reg.ts';
import * as R from '../state/regtype.ts';

/** the Ethernet header is placed so that what follows is aligned */
const NET_IP_ALIGN = 2;

const words: Readonly<Record<number, string>> = {
  [R.PTR_TO_FLOW_KEYS]: 'flow keys ',
  [R.PTR_TO_MAP_KEY]: 'key ',
  [R.PTR_TO_MAP_VALUE]: 'value ',
  [R.PTR_TO_CTX]: 'context ',
  [R.PTR_TO_STACK]: 'stack ',
  [R.PTR_TO_SOCKET]: 'sock ',
  [R.PTR_TO_SOCK_COMMON]: 'sock_common ',
  [R.PTR_TO_TCP_SOCK]: 'tcp_sock ',
  [R.PTR_TO_XDP_SOCK]: 'xdp_sock ',
};

export function checkAlignment(env: Env, reg: Reg, off: number, size: number, strictOnce = false): void {
  const { type } = reg;
  if (size === 1 || type === R.PTR_TO_ARENA) return;
  // spilled registers are found by slot, so the stack is always strict
  if (!env.strictAlignment && !strictOnce && type !== R.PTR_TO_STACK) return;
  const packet = type === R.PTR_TO_PACKET || type === R.PTR_TO_PACKET_META;
  const base = packet ? NET_IP_ALIGN : 0;
  if (isAligned(reg.v, base + reg.off + off, size)) return;
  const where = packet ? `packet access off ${NET_IP_ALIGN}+` : `${words[type] ?? ''}access off `;
  env.fail('EACCES', `misaligned ${where}${reg.varOff}+${reg.off}+${off} size ${size}`);
}
