/** The browser's bundle, in contexts that have nothing of Node, gives the bytes that Node gives. */
import { readFileSync } from 'node:fs';
import { createContext, runInContext } from 'node:vm';
import { build, transform } from 'esbuild';
import { beforeAll, describe, expect, it } from 'vitest';
import { browserBundle } from '../../bin/browser.mjs';
import { BpfObject, Kernel, readStrace } from '../../src/index.ts';

const fixture = (name: string): Buffer => readFileSync(new URL(`../../fixtures/${name}`, import.meta.url));

/** What a page does: everything in its own realm, bytes from outside. */
const PAGE = `(async () => {
  const { BpfObject, Kernel, readStrace } = ebpfEmu;
  const kernel = await Kernel.boot({ seed: 1 });
  const loaded = BpfObject.open(Uint8Array.from(object), { name: 'hello.o' }).load(kernel);
  loaded.attach();
  await kernel.replay(readStrace(recording).trace);
  return kernel.tracePipe.read();
})()`;

const recording = fixture('traces/python3.strace').toString('utf8');
let script = '';
let onNode = '';

beforeAll(async () => {
  const made = await build({ ...browserBundle, write: false, metafile: true });
  const text = made.outputFiles[0]?.text ?? '';
  // nothing is left to be imported
  expect(Object.values(made.metafile.outputs).flatMap((o) => o.imports)).toEqual([]);
  script = (await transform(text, { format: 'iife', globalName: 'ebpfEmu' })).code;

  const kernel = await Kernel.boot({ seed: 1 });
  BpfObject.open(fixture('hello.o'), { name: 'hello.o' }).load(kernel).attach();
  await kernel.replay(readStrace(recording).trace);
  onNode = kernel.tracePipe.read();
  expect(onNode.match(/Hello, World!/g)).toHaveLength(33);
}, 60_000);

/** A realm with the language's own globals, and these. */
function page(globals: object): { [name: string]: unknown } {
  const context = createContext({ ...globals, object: [...fixture('hello.o')], recording });
  runInContext(script, context);
  return context;
}

describe('the bundle for browsers', () => {
  it("gives Node's text where there is only the language", async () => {
    const context = page({});
    expect(runInContext('[typeof process, typeof Buffer, typeof require, typeof setImmediate]', context)).toEqual(
      Array(4).fill('undefined'),
    );
    expect(await runInContext(PAGE, context)).toBe(onNode);
  });

  it("gives it with the web's globals", async () => {
    const web = { TextDecoder, TextEncoder, MessageChannel, performance, setTimeout };
    expect(await runInContext(PAGE, page(web))).toBe(onNode);
  });

  it('refuses paths by name, and says what to do', () => {
    const open = `try { ebpfEmu.BpfObject.open('hello.o') } catch (error) { [error.name, error.code, error.message] }`;
    expect(runInContext(open, page({}))).toEqual([
      'FileError',
      'ERR_FILE',
      'hello.o: this host has no files; give its bytes instead of a path (ENOSYS)',
    ]);
  });
});
