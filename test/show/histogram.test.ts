/** Histograms: what BCC's print_log2_hist() prints of the same counts (bcc 0.26, python3-bpfcc). */
import { expect, it } from 'vitest';
import { histogram } from '../../src/show/index.ts';

it('narrow', () => {
  expect(histogram([3, 0, 7, 100, 51, 1, 0, 0], 'usecs').join('\n')).toBe(
    `     usecs               : count     distribution
         0 -> 1          : 3        |*                                       |
         2 -> 3          : 0        |                                        |
         4 -> 7          : 7        |**                                      |
         8 -> 15         : 100      |****************************************|
        16 -> 31         : 51       |********************                    |
        32 -> 63         : 1        |                                        |`,
  );
});

it('wide where bounds are long', () => {
  const slots = [1, ...Array.from({ length: 33 }, () => 0), 9, 2];
  const lines = histogram(slots, 'nsecs');
  expect([...lines.slice(0, 3), ...lines.slice(-2)].join('\n')).toBe(
    `               nsecs                         : count     distribution
                   0 -> 1                    : 1        |**                  |
                   2 -> 3                    : 0        |                    |
         17179869184 -> 34359738367          : 9        |********************|
         34359738368 -> 68719476735          : 2        |****                |`,
  );
  expect(histogram([...Array.from({ length: 31 }, () => 0), 5], 'bytes').at(-1)).toBe(
    '2147483648 -> 4294967295 : 5        |****************************************|',
  );
});

it('nothing where nothing was counted', () => {
  expect(histogram([0, 0], 'usecs')).toEqual([]);
});
