/** A refused program at the prompt: every command once, as a golden transcript. */
import { expect, it } from 'vitest';
import { openOrRefused, Refused, RefusedPrompt } from '../../src/debug/index.ts';
import { matchGolden } from '../support/golden.ts';
import { maskHeap } from '../support/mask-heap.ts';
import { fixtureOptions } from './support.ts';

const SAID = `
reverse-continue
info registers
info chain
info log
info nonsense
continue
continue
list
print R0
print fp-4
print R9
reverse-step 2
step
start
reverse-step
end
step
why
break 20
help
`;

it('walks along the log both ways, with what decides as stops', async () => {
  const refused = (await openOrRefused(fixtureOptions('rejected.o'))) as Refused;
  expect(refused).toBeInstanceOf(Refused);
  const prompt = new RefusedPrompt(refused);
  const out = [prompt.greeting()];
  for (const line of SAID.trim().split('\n')) out.push(`(ebpf) ${line}\n${await prompt.run(line)}`);
  matchGolden(new URL('golden/refused.txt', import.meta.url), `${maskHeap(out.join('\n'))}\n`);
  expect(prompt.complete('re')[0]).toEqual(['reverse-step', 'reverse-continue']);
  // what a call was given is gone behind it
  expect(refused.log.steps.at(-1)?.before.has('R1')).toBe(false);
});
