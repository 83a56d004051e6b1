/** How the processes that test load what they test. */
import { availableParallelism } from 'node:os';

/** `vitest` without `run` watches, for which it must load each file by itself. */
const watches = !process.argv.includes('run');

export const workers = {
  pool: 'forks' as const,
  maxWorkers: availableParallelism(),
  // Node loads what is tested, and tsx strips its types: vitest's own loader puts a getter behind each import, which
  // those who call other files' functions millions of times felt (a fifth of all)
  server: { deps: { external: watches ? [] : [/\/(src|kernel-sim)\/.*\.ts$/] } },
  // there are as many processes as cores: a collector with threads of its own would take the others' time; and a kernel
  // is gone after a test, so that room for a few of them saves the collector from copying one
  execArgv: ['--import', 'tsx', '--single-threaded-gc', '--min-semi-space-size=32', '--max-semi-space-size=64'],
};
