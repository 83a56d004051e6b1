/** setcc, cmovcc, jcc, loops (Intel SDM vol. 2, "SETcc", "CMOVcc", "Jcc", "LOOP"); condition codes as in the table. */
import { conditions, PREFIX } from '../../x86/index.ts';
import type { Handler, Step } from './context.ts';
import { condition, Z } from './flags.ts';

const handlers: Record<string, Handler> = {};

export const branchTo = (s: Step): number => s.next + s.insn.immLo;

conditions.forEach(([name], cc) => {
  handlers[`set${name}`] = (x, s) => {
    x.write(s, 0, condition(x.f, cc) ? 1 : 0, 0);
    return 0;
  };
  // The source is read, and a 32-bit destination's upper half cleared, whether the condition holds or not.
  handlers[`cmov${name}`] = (x, s) => {
    let lo = x.read(s, 1);
    let { hi } = x;
    if (!condition(x.f, cc)) {
      lo = x.read(s, 0);
      hi = x.hi;
    }
    x.write(s, 0, lo, hi);
    return 0;
  };
  handlers[`j${name}`] = (x, s) => {
    if (condition(x.f, cc)) x.next = branchTo(s);
    return 0;
  };
});

/** loop, loope, loopne: count in rcx, or ecx with the 67 prefix. */
const loop =
  (zero: 0 | 1 | 2): Handler =>
  (x, s) => {
    const { r } = x;
    const lo = r[2] as number;
    r[2] = (lo - 1) | 0;
    let more = r[2] !== 0;
    if (s.insn.prefixes & PREFIX.ADDRSIZE) r[3] = 0;
    else {
      if (lo === 0) r[3] = ((r[3] as number) - 1) | 0;
      more = more || r[3] !== 0;
    }
    if (zero !== 2 && (x.f[Z] === 0) !== (zero === 1)) more = false;
    if (more) x.next = branchTo(s);
    return 0;
  };
handlers['loop'] = loop(2);
handlers['loope'] = loop(1);
handlers['loopne'] = loop(0);
handlers['jrcxz'] = (x, s) => {
  const wideCount = (s.insn.prefixes & PREFIX.ADDRSIZE) === 0;
  if (x.r[2] === 0 && (!wideCount || x.r[3] === 0)) x.next = branchTo(s);
  return 0;
};

export const conditionHandlers: Readonly<Record<string, Handler>> = handlers;
