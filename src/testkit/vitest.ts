/**
 * `import 'ebpf-emu/vitest'`: matchers for vitest (https://vitest.dev/guide/extending-matchers).
 *
 *     expect(() => object.load(kernel)).toBeRejectedBy(/R0 invalid mem access/);
 */
import { expect } from 'vitest';
import { type Entries, hasEntries, hasRetval, hasTraced, isAccepted, isRejectedBy, type Verdict } from './index.ts';

export interface BpfMatchers<R = unknown> {
  /** of a function that loads: the verifier accepts */
  toBeAccepted(): R;
  /** of a function that loads: the verifier refuses, and its log says so */
  toBeRejectedBy(message: string | RegExp): R;
  /** of a test kit: programs have traced (bpf_printk) it */
  toHaveTraced(text: string | RegExp): R;
  /** of a test run: what the program returned, as C has it (-1 is 0xffffffff). `toReturn` is vitest's own, for spies */
  toHaveRetval(retval: number): R;
  /** of a map: exactly these entries, in any order; a number equals the bigint of its value */
  toHaveEntries(entries: Entries): R;
}

declare module 'vitest' {
  // biome-ignore lint/suspicious/noExplicitAny: merging wants vitest's own parameter
  interface Matchers<T = any> extends BpfMatchers<T> {}
}

const matcher =
  <A extends readonly unknown[]>(judge: (...args: A) => Verdict) =>
  (...args: A) => {
    const { pass, message } = judge(...args);
    return { pass, message: () => message };
  };

expect.extend({
  toBeAccepted: matcher(isAccepted),
  toBeRejectedBy: matcher(isRejectedBy),
  toHaveTraced: matcher(hasTraced),
  toHaveRetval: matcher(hasRetval),
  toHaveEntries: matcher(hasEntries),
});
