/** docs/architecture.md names rooms and files: each is there. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

const root = new URL('../../', import.meta.url);
const text = readFileSync(new URL('docs/architecture.md', root), 'utf8');

it('the map of rooms names what is there', () => {
  const named = [...text.matchAll(/(?:src|kernel-sim|test)\/[\w./*-]*[\w*]/g)].map(([path]) =>
    path.replace(/\/?\w*-?\*.*$/, ''),
  );
  expect(named.length).toBeGreaterThan(50);
  expect(named.filter((path) => !existsSync(new URL(path, root)))).toEqual([]);
});

it('no room is forgotten', () => {
  const rooms = ['src', 'kernel-sim', 'kernel-sim/bpf'].flatMap((top) =>
    readdirSync(new URL(top, root), { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => `${top}/${entry.name}`),
  );
  expect(rooms.filter((room) => !text.includes(`\`${room}`))).toEqual([]);
});
