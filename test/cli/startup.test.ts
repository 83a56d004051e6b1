/** What a short command must not take the time for. */
import { expect, it, vi } from 'vitest';
import { host } from '../../src/platform/index.ts';
import { cli } from '../support/cli.ts';

it('load replays the recording that ships without unpacking a data file: layouts, symbols and text are in tables', async () => {
  const dataFile = vi.spyOn(host, 'dataFile');
  const { code, stdout } = await cli('load', 'fixtures/hello.o');
  expect(code).toBe(0);
  expect(stdout).toContain('Hello, World!');
  expect(dataFile.mock.calls).toEqual([]);
});
