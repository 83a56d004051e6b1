/** The command line as a process of its own, from the sources. */
import { run } from '../../src/cli/main.ts';

await run(process.argv);
