// What every bundle of the sources has in common: the library, the command line, the benchmark.
import { stepLoop } from './step-loop.mjs';

export const bundle = {
  bundle: true,
  platform: 'node',
  target: 'node20',
  minifySyntax: true,
  logLevel: 'warning',
  plugins: [stepLoop],
};
