/** Every function of the API with arguments that are wrong: it answers, or throws an error of the family. */
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import * as api from '../../src/index.ts';

const WRONG: readonly unknown[] = [
  undefined,
  null,
  Number.NaN,
  -1,
  1e308,
  2 ** 40,
  0.5,
  '',
  'x',
  {},
  [],
  [null],
  true,
  10n,
  () => 1,
  Symbol('s'),
  new Uint8Array(3),
  { type: {} },
];
/** what is not to be called here: it ends the process's own things, or is a class that is made by its own functions */
const LEFT = new Set(['constructor', 'save']);
const insns = 'b700000000000000 9500000000000000';

type Fn = (...args: unknown[]) => unknown;
/** Methods of an object by name, those of its classes included. */
function methods(of: object): string[] {
  const names = new Set<string>();
  for (let p: object | null = of; p !== null && p !== Object.prototype; p = Object.getPrototypeOf(p)) {
    for (const [name, d] of Object.entries(Object.getOwnPropertyDescriptors(p)))
      if (typeof d.value === 'function' && !LEFT.has(name)) names.add(name);
  }
  return [...names];
}
const isFamily = (error: unknown): boolean => error instanceof api.EmuError;

async function sweep(
  name: string,
  make: () => unknown | Promise<unknown>,
  only?: readonly string[],
): Promise<string[]> {
  const bad: string[] = [];
  const first = (await make()) as object;
  for (const method of only ?? methods(first)) {
    for (const [n, wrong] of WRONG.entries()) {
      for (let count = 1; count <= 3; count++) {
        const object = (await make()) as Record<string, Fn>;
        const args = Array.from({ length: count }, () => wrong);
        try {
          const result = await (object[method] as Fn).apply(object, args);
          // lazy ones are asked for their first
          if (typeof result === 'object' && result !== null && Symbol.iterator in result && !Array.isArray(result))
            (result as Iterable<unknown>)[Symbol.iterator]().next();
        } catch (error) {
          if (!isFamily(error)) bad.push(`${name}.${method}(${count} × #${n}): ${String(error).slice(0, 160)}`);
        }
      }
    }
  }
  return bad;
}

it('functions of the package', async () => {
  const functions = Object.fromEntries(
    Object.entries(api).filter(
      ([, v]) => typeof v === 'function' && !/^class /.test(Function.prototype.toString.call(v)),
    ),
  );
  expect(await sweep('api', () => functions)).toEqual([]);
});

it('Kernel.boot, BpfObject.open', async () => {
  expect(await sweep('Kernel', () => api.Kernel, ['boot'])).toEqual([]);
  expect(await sweep('BpfObject', () => api.BpfObject, ['open'])).toEqual([]);
});

it('methods of what a kernel gives', async () => {
  const kernel = await api.Kernel.boot();
  const object = api.BpfObject.open(fileURLToPath(new URL('../../fixtures/opens.o', import.meta.url)));
  const bad = [
    ...(await sweep('kernel', () => kernel, ['replay', 'replayer', 'restore'])),
    ...(await sweep(
      'kernel.bpf',
      () => kernel.bpf,
      methods(kernel.bpf).filter((m) => !/^(restore|save|syscall)/.test(m)),
    )),
    ...(await sweep('program', () => kernel.bpf.progLoad({ type: 'socket_filter', insns, license: 'GPL' }))),
    ...(await sweep('map', () => kernel.bpf.mapCreate({ type: 'hash', keySize: 4, valueSize: 8, maxEntries: 4 }))),
    ...(await sweep('ring', () => kernel.bpf.mapCreate({ type: 'ringbuf', maxEntries: 4096 }))),
    ...(await sweep('object', () => object)),
    ...(await sweep('tracePipe', () => kernel.tracePipe, ['read'])),
  ];
  expect(bad).toEqual([]);
});
