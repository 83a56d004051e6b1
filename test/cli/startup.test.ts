/** What a short command must not take the time for. */
import { afterEach, expect, it, vi } from 'vitest';
import { host } from '../../src/platform/index.ts';
import { cli } from '../support/cli.ts';
import { openFixture } from '../tui/support.ts';

afterEach(() => void vi.restoreAllMocks());

it('load replays the recording that ships without unpacking a data file: layouts, symbols and text are in tables', async () => {
  const dataFile = vi.spyOn(host, 'dataFile');
  const { code, stdout } = await cli('load', 'fixtures/hello.o');
  expect(code).toBe(0);
  expect(stdout).toContain('Hello, World!');
  expect(dataFile.mock.calls).toEqual([]);
});

it('so does the first screen of tui', async () => {
  const dataFile = vi.spyOn(host, 'dataFile');
  const tui = await openFixture('hello.o');
  expect(tui.screen(120, 40).lines.length).toBe(40);
  expect(dataFile.mock.calls).toEqual([]);
});
