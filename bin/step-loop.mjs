// The stepping loop of the machine is generated from rows. A bundle has what they come to in their place, so that
// nothing is generated at start-up: names and flag rules of the operations, and the WebAssembly module.
import { build } from 'esbuild';

async function generate(path) {
  const { outputFiles } = await build({
    entryPoints: [path],
    bundle: true,
    write: false,
    format: 'esm',
    logLevel: 'warning',
  });
  const { generated } = await import(
    `data:text/javascript;base64,${Buffer.from(outputFiles[0].contents).toString('base64')}`
  );
  const operations = generated.operations.map(({ name, flags, twin }) => ({ name, flags, twin }));
  const insns = generated.insns.map(({ mnemonics, kind }) => ({ mnemonics, kind }));
  const module = Buffer.from(generated.bytes()).toString('base64');
  return `const module = '${module}';
const decode = () => globalThis.Buffer?.from(module, 'base64') ?? Uint8Array.from(atob(module), (c) => c.charCodeAt(0));
export const generated = { operations: ${JSON.stringify(operations)}, insns: ${JSON.stringify(insns)}, bytes: decode };`;
}

export const stepLoop = {
  name: 'step-loop',
  setup({ onLoad }) {
    onLoad({ filter: /exec.loop.generated\.ts$/ }, async ({ path }) => ({
      contents: await generate(path),
      loader: 'js',
    }));
  },
};
