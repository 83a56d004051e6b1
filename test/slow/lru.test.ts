/** Maps that evict, of 23 sizes and four kinds: which keys are left after random calls, as the real kernel left them (fixtures/user/lrucalls.out). */
import { expect, it } from 'vitest';
import { captured, home, userFile, worldWith } from '../kernel-sim/user/world.ts';

it('evict in the order of the real kernel', async () => {
  const kernel = await worldWith();
  kernel.root.add(home('lrucalls'), userFile('lrucalls'), 0o755);
  const { streams, text } = captured();
  await kernel.replay(kernel.program({ path: home('lrucalls') }, streams));
  expect(text(1)).toBe(Buffer.from(userFile('lrucalls.out')).toString());
}, 600_000);
