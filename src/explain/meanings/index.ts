/** Every message that the verifier can print, by what it is about; the first row that fits speaks. */
import type { Row } from '../row.ts';
import { attaching } from './attaching.ts';
import { calls } from './calls.ts';
import { context } from './context.ts';
import { flow } from './flow.ts';
import { instructions } from './instructions.ts';
import { kernelObjects } from './kernel-objects.ts';
import { memory } from './memory.ts';
import { pointers } from './pointers.ts';
import { references } from './references.ts';
import { values } from './values.ts';

export const table: readonly Row[] = [
  ...memory,
  ...pointers,
  ...context,
  ...values,
  ...calls,
  ...references,
  ...kernelObjects,
  ...flow,
  ...attaching,
  ...instructions,
];
