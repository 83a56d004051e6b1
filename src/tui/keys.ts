/** Every key, what it does, and the words that the help screen and the last line have for it. */
import type { Motion } from '../debug/index.ts';
import type { Axis } from './layout.ts';
import type { Screen } from './layouts.ts';

/** What keys can ask for. */
export interface Commands {
  move(motion: Motion): void;
  /** one line of the pane in focus */
  step(how: 'step' | 'next', back: boolean): void;
  unit(): void;
  breakpoint(): void;
  ask(what: 'goto' | 'search'): void;
  focus(by: number): void;
  scroll(by: number | 'page' | '-page' | 'start' | 'end'): void;
  zoom(): void;
  hide(): void;
  /** the pane in focus a step larger, or smaller */
  resize(axis: Axis, by: 1 | -1): void;
  /** all panes as large as the layout has them */
  reset(): void;
  pause(): void;
  open(screen: Screen): void;
  help(): void;
  /** closes help and prompts, and follows the CPU again */
  escape(): void;
  quit(): void;
}

export interface Binding {
  /** blessed's names */
  readonly keys: readonly string[];
  readonly shown: string;
  readonly help: string;
  readonly act: (c: Commands) => void;
}

const bind = (keys: string, shown: string, help: string, act: Binding['act']): Binding => ({
  keys: keys.split(' '),
  shown,
  help,
  act,
});

export const GROUPS: readonly (readonly [title: string, bindings: readonly Binding[]])[] = [
  [
    'The journey',
    [
      bind(
        'space',
        'Space',
        'next station: syscall, entry, patched function, trampoline, handler, program, helper, back',
        (c) => c.move({ kind: 'station' }),
      ),
      bind('backspace', 'Backspace', 'the station before', (c) => c.move({ kind: 'station', back: true })),
      bind('e', 'e', "next system call of the recording's tasks", (c) => c.move({ kind: 'event' })),
      bind('S-e', 'E', 'the system call before', (c) => c.move({ kind: 'event', back: true })),
      bind('r', 'r', 'restart: to the beginning of the recording', (c) => c.move({ kind: 'start' })),
    ],
  ],
  [
    'Steps (capitals go back in time)',
    [
      bind('s', 's', 'step one line of the pane in focus: C line, BPF instruction, x86 instruction', (c) =>
        c.step('step', false),
      ),
      bind('S-s', 'S', 'step back', (c) => c.step('step', true)),
      bind('n', 'n', 'next: over calls', (c) => c.step('next', false)),
      bind('S-n', 'N', 'next, backwards', (c) => c.step('next', true)),
      bind('f', 'f', 'finish: to where this function returns to', (c) => c.move({ kind: 'finish' })),
      bind('S-f', 'F', 'to where this function was called', (c) => c.move({ kind: 'finish', back: true })),
      bind('c', 'c', 'continue to the next breakpoint, or the end', (c) => c.move({ kind: 'continue' })),
      bind('S-c', 'C', 'continue backwards', (c) => c.move({ kind: 'continue', back: true })),
      bind('p', 'p', 'pause what runs', (c) => c.pause()),
    ],
  ],
  [
    'Places',
    [
      bind('b', 'b', 'breakpoint at the chosen line, else where it stands; again: away', (c) => c.breakpoint()),
      bind('g', 'g', 'go to a symbol or address (shows it), or to a count of instructions (goes there)', (c) =>
        c.ask('goto'),
      ),
      bind('/', '/', 'search in the pane; / and Enter: the same again', (c) => c.ask('search')),
      bind('up k', '↑ k', 'choose the line above; in the call stack, the frame that the panes show', (c) =>
        c.scroll(-1),
      ),
      bind('down j', '↓ j', 'choose the line below', (c) => c.scroll(1)),
      bind('pageup', 'PgUp', 'a page up', (c) => c.scroll('-page')),
      bind('pagedown', 'PgDn', 'a page down', (c) => c.scroll('page')),
      bind('home', 'Home', 'first line of the pane', (c) => c.scroll('start')),
      bind('end', 'End', 'last line of the pane', (c) => c.scroll('end')),
      bind('escape', 'Esc', 'away with help, prompt, choice: the panes follow the CPU again', (c) => c.escape()),
    ],
  ],
  [
    'Panes',
    [
      bind('tab', 'Tab', 'next pane', (c) => c.focus(1)),
      bind('S-tab', 'S-Tab', 'the pane before', (c) => c.focus(-1)),
      bind('x', 'x', 'turn between C, BPF and x86: what s and n step by', (c) => c.unit()),
      bind('z', 'z', 'zoom the pane; again: back', (c) => c.zoom()),
      bind('h', 'h', 'hide the pane; Esc brings all back', (c) => c.hide()),
      bind('+', '+', 'the pane higher', (c) => c.resize('down', 1)),
      bind('-', '-', 'the pane lower', (c) => c.resize('down', -1)),
      bind('>', '>', 'the pane wider', (c) => c.resize('across', 1)),
      bind('<', '<', 'the pane narrower', (c) => c.resize('across', -1)),
      bind('=', '=', 'all panes as large as they were', (c) => c.reset()),
    ],
  ],
  [
    "Stations of the program's own way",
    [
      bind('1', '1', 'object: sections, maps, relocations', (c) => c.open('object')),
      bind('2', '2', 'verifier: its log with states; s and S walk along it', (c) => c.open('verify')),
      bind('3', '3', 'xlated: instructions as the kernel rewrote them', (c) => c.open('xlated')),
      bind('4', '4', 'JIT: each BPF instruction with its machine code', (c) => c.open('JIT')),
      bind('5', '5', 'kernel text before and after the patch', (c) => c.open('patch')),
      bind('6', '6', 'run: back to here', (c) => c.open('run')),
      bind('? f1', '?', 'this help; again: away', (c) => c.help()),
      bind('q C-c', 'q', 'quit', (c) => c.quit()),
    ],
  ],
];

export const BINDINGS: ReadonlyMap<string, Binding> = new Map(
  GROUPS.flatMap(([, all]) => all.flatMap((b) => b.keys.map((key) => [key, b] as const))),
);
