/**
 * What the rows come to. In a bundle this file is the result itself (bin/step-loop.mjs): the rows are not in there, and
 * nothing is generated when it starts.
 */
import { loopBytes, OPERATIONS } from './build.ts';
import { INSNS } from './insns.ts';
import type { InsnRow, Operation } from './row.ts';

export interface Generated {
  /** every operation: its number is its index */
  readonly operations: readonly Pick<Operation, 'name' | 'flags' | 'twin'>[];
  readonly insns: readonly Pick<InsnRow, 'mnemonics' | 'kind'>[];
  /** the WebAssembly module */
  readonly bytes: (shared: boolean) => Uint8Array;
}

export const generated: Generated = { operations: OPERATIONS, insns: INSNS, bytes: loopBytes };
