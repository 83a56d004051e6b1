/** `npm run diff:cpu -- [--seed S] [--count N cases per row] [--only MNEMONIC]`: differences as text, exit code 1 for any. */
import { parseArgs } from 'node:util';
import { differential } from './differential.ts';
import { hostRunner } from './host.ts';

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    count: { type: 'string', default: '200' },
    only: { type: 'string' },
  },
});
if (hostRunner() === undefined) {
  console.log('skipped: needs an x86-64 Linux host with a C compiler');
} else {
  const result = differential({
    seed: Number(values.seed),
    perRow: Number(values.count),
    ...(values.only === undefined ? {} : { only: values.only }),
  });
  for (const failure of result.failures.slice(0, 20)) console.log(failure);
  console.log(
    `${result.rows} rows, ${result.cases} cases, ${result.exceptions} exceptions, ${result.failures.length} differences`,
  );
  process.exitCode = result.failures.length > 0 ? 1 : 0;
}
