import type { Script } from './wire.ts';

/** What becomes of a stopped call: a result, 'host' where the host's kernel answers, or calls that are made in its place. */
export type Outcome = number | bigint | 'host' | Script;
