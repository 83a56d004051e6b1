/** A tour by keys: the screens at three sizes as text, without a terminal. */
import { expect, it } from 'vitest';
import { textWidth } from '../../src/tui/text.ts';
import { first } from '../support/depth.ts';
import { matchGolden } from '../support/golden.ts';
import { openFixture, press, screenText } from './support.ts';

/** Where the kernel's heap puts a map, and which number a hypercall has, is no matter of the screen. */
const maskHeap = (text: string): string =>
  text
    .replace(/b8 [0-9a-f]{2} 0[0-9a-f]( 00 00 +mov +\$0x)[0-9a-f]+(,%eax)/g, 'b8 ·· ··$1··$2')
    .replace(/ffff8880[0-9a-f]{8}/g, 'ffff8880········')
    .replace(/48 bf(?: [0-9a-f]{2})+/g, (bytes) => bytes.replace(/[0-9a-f]/g, '·'));

const SIZES = [
  [80, 24],
  [120, 40],
  [200, 50],
] as const;

/** What is pressed, and what it shows. */
const TOUR: readonly (readonly [object: string, steps: readonly (readonly [what: string, ...keys: string[]])[]])[] = [
  [
    'hello.o',
    [
      ['opens at the first hit'],
      ['into the helper', ' '],
      ['behind it: the line is in trace_pipe', ' '],
      ['back in user mode', ' '],
      ['back to the patched entry', ...Array<string>(7).fill('backspace')],
      ['the object', '1'],
      ['what the verifier said', '2', 's'],
      ['xlated', '3'],
      ['JIT', '4'],
      ['text before and after', '5'],
    ],
  ],
  [
    'opens.o',
    [
      [
        'a breakpoint behind the update',
        'down',
        'down',
        'down',
        'down',
        'down',
        'down',
        'down',
        'down',
        'down',
        'b',
        'c',
      ],
      ['over the printk', 'n'],
    ],
  ],
  ['rejected.o', [['opens on the verifier'], ['back to what decides', 'backspace'], ['a step on', 's']]],
];

for (const [cols, rows] of first(2, SIZES)) {
  it(`${cols}x${rows}`, async () => {
    const out: string[] = [];
    for (const [object, steps] of TOUR) {
      const tui = await openFixture(object);
      tui.screen(cols, rows);
      for (const [what, ...keys] of steps) {
        await press(tui, ...keys);
        const text = screenText(tui, cols, rows);
        for (const line of text.split('\n')) expect(textWidth(line), line).toBeLessThanOrEqual(cols);
        out.push(
          `== ${object}: ${what}${keys.length > 0 ? ` (${keys.map((k) => (k === ' ' ? 'space' : k)).join(' ')})` : ''}\n${text}\n`,
        );
      }
    }
    matchGolden(new URL(`golden/tour-${cols}x${rows}.txt`, import.meta.url), maskHeap(out.join('\n')));
  });
}
