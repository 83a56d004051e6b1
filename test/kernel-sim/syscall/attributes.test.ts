/** What a recording's structures say of files, in numbers that a damaged one may have. */
import { expect, it } from 'vitest';
import { Kernel } from '../../../kernel-sim/index.ts';
import { readStrace } from '../../../src/replay/index.ts';

it('sizes that no file has are not taken', async () => {
  const kernel = await Kernel.boot();
  const size = '9'.repeat(400);
  const { trace } = readStrace(
    `7 stat("/a", {st_mode=S_IFREG|0644, st_size=${size}, ...}) = 0\n7 stat("/a", {st_ino=RLIM64_INFINITY, ...}) = 0\n`,
  );
  expect(await kernel.replay(trace)).toMatchObject({ calls: 2, oopses: [] });
});
