/** PROVENANCE.md says of every room what it was written from. */
import { readdirSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

const root = new URL('../../', import.meta.url);
const page = readFileSync(new URL('PROVENANCE.md', root), 'utf8');
/** a row may go on with further rooms of the same folder: `kernel-sim/task`, `mm` */
const named = new Set(
  page.split('\n').flatMap((line) => {
    const names = [...(line.split('|')[1] ?? '').matchAll(/`([^`]+)`/g)].map((match) => match[1] as string);
    const folder = names[0]?.split('/')[0];
    return names.map((name) => (name.includes('/') ? name : `${folder}/${name}`));
  }),
);

it.each(['src', 'kernel-sim'])('names every room of %s', (folder) => {
  const rooms = readdirSync(new URL(folder, root), { withFileTypes: true }).filter((entry) => entry.isDirectory());
  expect(rooms.map(({ name }) => `${folder}/${name}`).filter((room) => !named.has(room))).toEqual([]);
});
