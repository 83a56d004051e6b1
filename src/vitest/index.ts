/**
 * `import { test } from 'ebpf-emu/vitest'`: a kernel for each test, and matchers (https://vitest.dev/guide/test-context,
 * https://vitest.dev/guide/extending-matchers).
 *
 *     test('counts', ({ kernel, load }) => {
 *       const loaded = load('opens.o');
 *       kernel.task({ pid: 50 }).syscall('openat', { filename: '/tmp/x' }, { result: 3 });
 *       expect(loaded.maps.counts).toHaveEntries([[50, 1]]);
 *     });
 */
import { test as base, expect } from 'vitest';
import {
  type AnyShape,
  type AttachAllOptions,
  type BootOptions,
  BpfObject,
  type Emitting,
  type Entries,
  emits,
  hasEntries,
  hasRetval,
  hasTraced,
  isAccepted,
  isRejectedBy,
  Kernel,
  type LoadedObject,
  type LoadOptions,
  type ObjectShape,
  type Verdict,
  type VerdictName,
} from '../index.ts';
import { begin, note } from './coverage.ts';

export interface BpfMatchers<R = unknown> {
  /** of a function that loads: the verifier accepts */
  toBeAccepted(): R;
  /** of a function that loads: the verifier refuses, and its log says so */
  toBeRejectedBy(message: string | RegExp): R;
  /** of a kernel: programs have traced (bpf_printk) it */
  toHaveTraced(text: string | RegExp): R;
  /**
   * of a test run: what the program returned, as C has it (-1 is 0xffffffff), or by its name (`'XDP_DROP'`). `toReturn` is
   * vitest's own, for spies
   */
  toHaveRetval(retval: number | VerdictName): R;
  /** of a map: exactly these entries, in any order; a number equals the bigint of its value */
  toHaveEntries(entries: Entries): R;
  /** of a ring buffer or a perf event array: it has sent a record of this type that has these members */
  toEmit(type: string, members: unknown): R;
  /** of a function: while it runs, the map sends such a record */
  toEmit(map: Emitting, type: string, members: unknown): R;
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

const judgeEmits = (received: Emitting | (() => unknown), ...args: readonly unknown[]): Verdict =>
  typeof received === 'function'
    ? emits(args[0] as Emitting, args[1] as string, args[2], received)
    : emits(received, args[0] as string, args[1]);

expect.extend({
  toBeAccepted: matcher(isAccepted),
  toBeRejectedBy: matcher(isRejectedBy),
  toHaveTraced: matcher(hasTraced),
  toHaveRetval: matcher(hasRetval),
  toHaveEntries: matcher(hasEntries),
  toEmit: matcher(judgeEmits),
});

/** Opens, loads and attaches: what a test does with most objects. */
export type Load = <O extends ObjectShape = AnyShape>(
  source: string | Uint8Array,
  options?: LoadOptions & { readonly attach?: AttachAllOptions | false },
) => LoadedObject<Kernel, O>;

export interface KernelFixtures {
  /** how each test's kernel is booted: `const test4 = test.extend({ bootOptions: { cpus: 4 } })` */
  readonly bootOptions: BootOptions;
  /** as booted, for this test alone; its mocks are restored at the end, and objects that `load` loaded are closed */
  readonly kernel: Kernel;
  readonly load: Load;
}

const loader =
  (kernel: Kernel, close: (() => void)[]): Load =>
  <O extends ObjectShape>(
    source: string | Uint8Array,
    { attach, ...options }: NonNullable<Parameters<Load>[1]> = {},
  ): LoadedObject<Kernel, O> => {
    const object = BpfObject.open<O>(source).load(kernel, options);
    close.push(() => object.close());
    if (attach !== false) object.attach(attach ?? {});
    return object;
  };

/** A kernel that was booted, and what it was then. */
interface Booted {
  readonly options: string;
  readonly kernel: Kernel;
  readonly mark: ReturnType<Kernel['save']>;
}
/** Kernels that no test has. One that goes back to its boot is as one that was booted, in a tenth of the time. */
const spare: Booted[] = [];

async function take(bootOptions: BootOptions): Promise<Booted> {
  const options = JSON.stringify(bootOptions);
  const at = spare.findIndex((booted) => booted.options === options);
  const [booted] = at < 0 ? [] : spare.splice(at, 1);
  if (booted) {
    booted.kernel.restore(booted.mark);
    return booted;
  }
  const kernel = await Kernel.boot(bootOptions);
  return { options, kernel, mark: kernel.save() };
}

/** vitest's `test` with a kernel of its own for each test. */
export const test = base.extend<KernelFixtures>({
  bootOptions: {},
  kernel: async ({ bootOptions }, use) => {
    const booted = await take(bootOptions);
    const { kernel } = booted;
    begin(kernel);
    await use(kernel);
    kernel.restoreMocks();
    note(kernel);
    spare.push(booted);
  },
  load: async ({ kernel }, use) => {
    const close: (() => void)[] = [];
    await use(loader(kernel, close));
    for (const end of close.reverse()) end();
  },
});
export { test as it };

/**
 * vitest's `test` with one kernel for all tests of a file, made ready once, and put back to that state before each:
 * nothing that one test does is there in the next.
 *
 *     const test = preparedTest((kernel, load) => ({ loaded: load('opens.o') }));
 *     test('counts', ({ kernel, loaded }) => …);
 */
export function preparedTest<T extends object>(
  prepare: (kernel: Kernel, load: Load) => T | Promise<T>,
  options: BootOptions = {},
) {
  let ready: Promise<{ kernel: Kernel; made: T; mark: ReturnType<Kernel['save']> }> | undefined;
  const start = async () => {
    const kernel = await Kernel.boot(options);
    begin(kernel);
    const made = await prepare(kernel, loader(kernel, []));
    return { kernel, made, mark: kernel.save() };
  };
  return base.extend<{ readonly kernel: Kernel; readonly prepared: T }>({
    // biome-ignore lint/correctness/noEmptyPattern: vitest reads what a fixture needs from its pattern
    kernel: async ({}, use) => {
      ready ??= start();
      const { kernel, mark } = await ready;
      kernel.restore(mark);
      await use(kernel);
      kernel.restoreMocks();
      note(kernel);
    },
    prepared: async ({ kernel }, use) => {
      void kernel;
      ready ??= start();
      await use((await ready).made);
    },
  });
}
