// The stepping loop of the machine is generated from rows. A bundle has what they come to in their place, so that
// nothing is generated at start-up: names and flag rules of the operations, and the WebAssembly module.
import { build } from 'esbuild';

async function generate(path) {
  const { outputFiles } = await build({
    entryPoints: [path],
    bundle: true,
    write: false,
    format: 'esm',
    platform: 'node',
    logLevel: 'warning',
  });
  const { generated } = await import(
    `data:text/javascript;base64,${Buffer.from(outputFiles[0].contents).toString('base64')}`
  );
  const operations = generated.operations.map(({ name, flags, twin }) => ({ name, flags, twin }));
  const insns = generated.insns.map(({ mnemonics, kind }) => ({ mnemonics, kind }));
  const plain = generated.bytes(false);
  const shared = generated.bytes(true);
  // one byte says of which kind the memory is
  const flag = shared.findIndex((byte, at) => byte !== plain[at]);
  const module = Buffer.from(plain).toString('base64');
  return `const module = '${module}';
const bytes = (shared) => {
  const made = globalThis.Buffer?.from(module, 'base64') ?? (${decodeBase64})(module);
  if (shared) made[${flag}] = ${shared[flag]};
  return made;
};
export const generated = { operations: ${JSON.stringify(operations)}, insns: ${JSON.stringify(insns)}, bytes };`;
}

/** For where there is nothing but the language. */
function decodeBase64(text) {
  const digits = new Map(
    Array.from('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/', (c, n) => [c, n]),
  );
  const end = text.indexOf('=');
  const length = end < 0 ? text.length : end;
  const out = new Uint8Array((length * 3) >> 2);
  for (let i = 0, bits = 0; i < length; i++) {
    bits = (bits << 6) | digits.get(text[i]);
    if (i % 4 > 0) out[((i * 3 + 3) >> 2) - 1] = bits >> (6 - 2 * (i % 4));
  }
  return out;
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
