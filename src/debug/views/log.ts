/** A program's verifier log, as something to walk along: its lines, the instructions among them, and what is known at each. */
import { type VerifierStep, verifierSteps } from '../program/verifier-states.ts';

export interface LogView {
  readonly lines: readonly string[];
  readonly steps: readonly VerifierStep[];
  /**
   * Of a log that ends in a refusal: the steps at which what the last words speak of came to be, the earliest first,
   * the refused instruction last. Empty where the program was accepted.
   */
  readonly chain: readonly number[];
}

export function logView(log: string, accepted: boolean): LogView {
  const lines = log.replace(/\n+$/, '').split('\n');
  const steps = verifierSteps(log);
  return { lines, steps, chain: accepted ? [] : chainOf(lines, steps) };
}

const REGISTER = /\bR(\d+)\b/;

/** Back from the refused instruction: where its register was set, where what it was set from was, and so on. */
function chainOf(lines: readonly string[], steps: readonly VerifierStep[]): number[] {
  const last = steps.length - 1;
  if (last < 0) return [];
  const words = lines.slice((steps[last] as VerifierStep).line + 1).find((l) => REGISTER.test(l));
  let wanted = words === undefined ? undefined : `R${REGISTER.exec(words)?.[1]}`;
  const chain = [last];
  for (let n = last - 1; n >= 0 && wanted !== undefined; n--) {
    const { changes, text } = steps[n] as VerifierStep;
    const isTest = /^\(..\) if /.test(text) && new RegExp(`\\b[rw]${wanted.slice(1)}\\b`).test(text);
    if (!changes.has(wanted) && !isTest) continue;
    chain.unshift(n);
    if (isTest) continue;
    wanted = originOf(text, wanted);
  }
  return chain;
}

/** The register that an instruction makes another of; itself where it changes it; undefined where it begins here. */
function originOf(text: string, wanted: string): string | undefined {
  const number = wanted.slice(1);
  const moved = /^\(..\) [rw]\d+ = [rw](\d+)$/.exec(text);
  if (moved) return `R${moved[1]}`;
  return new RegExp(`^\\(..\\) [rw]${number} (?:[-+*/%&|^]|<<|>>|s>>)=`).test(text) ? wanted : undefined;
}
