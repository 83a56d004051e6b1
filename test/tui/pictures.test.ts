/** The documents' pictures are what the screens are now. `npm run pictures`, or `UPDATE_GOLDEN=1`, draws them anew. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { svgOf } from '../../src/tui/svg.ts';
import { line, span } from '../../src/tui/text.ts';
import { updating } from '../support/golden.ts';
import { draw, drawAll, folder, PICTURES } from './pictures.ts';

/** Which moment it is follows from the kernel's text, which grows; heap addresses follow from what is in the heap. */
const masked = (svg: string): string =>
  svg
    .replace(/insn +[\d,]+/g, 'insn N')
    .replace(/textLength="\d+"/g, '')
    .replace(/ffff8880[0-9a-f]{8}/g, 'ffff8880········');

it('are drawn from the screens', async () => {
  if (updating) await drawAll();
  for (const picture of PICTURES)
    expect(masked(readFileSync(new URL(`${picture.name}.svg`, folder), 'utf8')), picture.name).toBe(
      masked(await draw(picture)),
    );
}, 60_000);

it('have a cell for a cell, escape what XML means otherwise, and colour the cursor', () => {
  const svg = svgOf([line('a<b ', span('&x', 'cursor')), line(span('  日本', 'source'))], 'A & B');
  expect(svg).toContain('<title>A &#38; B</title>');
  expect(svg).toContain('>a&#60;b</text>');
  expect(svg).toContain('<rect x="44" y="12" width="16" height="17" fill="#5fd7d7"/>');
  expect(svg).toContain('x="28" y="42" fill="#afd7af" xml:space="preserve" textLength="32"');
});

it('are in the documents that show them', () => {
  const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
  const page = readFileSync(new URL('../../docs/tui.md', import.meta.url), 'utf8');
  for (const { name } of PICTURES) expect(readme + page).toContain(`pictures/${name}.svg`);
});
