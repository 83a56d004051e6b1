/** The screens: stations 1 to 6 of a program's own way, each for small, middling and large terminals. */
import type { Node, PaneName } from './layout.ts';

export const SMALLEST = { cols: 64, rows: 20 } as const;
const MIDDLE = { cols: 110, rows: 32 } as const;
const LARGE = { cols: 160, rows: 44 } as const;

export const SCREENS = ['object', 'verify', 'xlated', 'JIT', 'patch', 'run'] as const;
export type Screen = (typeof SCREENS)[number];

const pane = (name: PaneName, size = 1): Node => ({ pane: name, size });

/** @param code the one code pane where there is room for one */
export function layoutOf(screen: Screen, cols: number, rows: number, code: PaneName): Node {
  const isSmall = cols < MIDDLE.cols || rows < MIDDLE.rows;
  switch (screen) {
    case 'object':
      return pane('object');
    case 'verify':
      return isSmall
        ? { down: [pane('log', 2), pane('states')] }
        : { across: [{ down: [pane('log', 2), pane('states')], size: 2 }, pane('lines')] };
    case 'xlated':
      return isSmall ? pane('xlated') : { across: [pane('source'), pane('xlated', 2)] };
    case 'JIT':
      return isSmall ? pane('jited') : { across: [pane('source', 2), pane('jited', 3)] };
    case 'patch':
      return { down: [pane('patch', 2), pane('x86', 3)] };
    case 'run':
      return isSmall ? small(code) : cols >= LARGE.cols && rows >= LARGE.rows ? LARGE_RUN : MIDDLE_RUN;
  }
}

const small = (code: PaneName): Node => ({
  down: [pane(code, 5), { across: [pane('registers', 11), pane('calls', 9)], size: 4 }, { pane: 'trace', fixed: 2 }],
});

const MIDDLE_RUN: Node = {
  down: [
    {
      size: 13,
      across: [pane('source', 34), { size: 38, down: [pane('bpf', 8), pane('verifier', 5)] }, pane('x86', 48)],
    },
    { fixed: 14, across: [pane('registers', 66), pane('calls', 54)] },
    { size: 3, across: [pane('patch', 66), pane('maps', 54)] },
    { pane: 'trace', fixed: 2 },
  ],
};

const LARGE_RUN: Node = {
  down: [
    {
      size: 20,
      across: [pane('source', 46), { size: 48, down: [pane('bpf', 12), pane('verifier', 8)] }, pane('x86', 76)],
    },
    { fixed: 14, across: [pane('registers', 60), pane('stack', 58), pane('calls', 52)] },
    { size: 4, across: [pane('patch', 76), pane('maps', 94)] },
    { pane: 'trace', fixed: 4 },
  ],
};
