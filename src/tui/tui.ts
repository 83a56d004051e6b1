/** Keys and mouse to motions of a session and to what is shown. Knows no terminal: it is given keys, and gives lines. */

import { alongChain, DebugError, type Motion, type Session } from '../debug/index.ts';
import { EmuError } from '../errors/index.ts';
import { addrFromBigInt } from '../machine/addr.ts';
import { grouped } from '../show/grouped.ts';
import { codePane, type Drawn, type DrawnPane, draw, panesIn } from './draw.ts';
import { BINDINGS, type Commands } from './keys.ts';
import type { Axis, PaneName } from './layout.ts';
import type { Screen } from './layouts.ts';
import { type Model, modelOf } from './model.ts';
import { CODE, newState, type State, UNITS } from './state.ts';
import type { Story } from './story.ts';
import { plainText } from './text.ts';

/** Keys that are kept while a motion runs. */
const MOST_WAITING = 16;
/** What a key makes a pane larger by, and how far it goes. */
const GROWTH = 1.25;
const MOST_SIZE = 8;
const LEAST_SIZE = 1 / 8;

export class Tui implements Commands {
  readonly state: State;
  /** called where the screen is no longer what was drawn */
  onChange: () => void = () => {};
  onQuit: () => void = () => {};
  readonly #story: Story;
  readonly #session: Session | undefined;
  #model: Model | undefined;
  #drawn: Drawn = { lines: [], panes: [] };
  #size = { cols: 80, rows: 24 };
  /** motions one after the other */
  #queue: Motion[] = [];
  #running: Promise<void> | undefined;
  #abort: AbortController | undefined;
  #shownAt: number | undefined;
  #linesBefore = 0;

  /** @param session undefined where the verifier refused the program */
  constructor(story: Story, session: Session | undefined) {
    this.#story = story;
    this.#session = session;
    this.state = session === undefined ? newState('verify', 'log') : newState('run', 'source');
    this.#linesBefore = session?.lines.length ?? 0;
    this.#refresh();
  }

  screen(cols: number, rows: number): Drawn {
    this.#size = { cols, rows };
    this.#drawn = draw(this.state, this.#story, this.#model, cols, rows);
    return this.#drawn;
  }

  /** @param name blessed's name of the key; @param ch the character, where it is one */
  press(name: string, ch?: string): void {
    const { state } = this;
    state.message = undefined;
    if (name === 'C-c') this.quit();
    else if (state.prompt !== undefined) this.#typed(name, ch);
    else BINDINGS.get(name)?.act(this);
    this.onChange();
  }
  /** Until nothing is under way. */
  async settled(): Promise<void> {
    while (this.#running !== undefined) await this.#running;
  }

  click(x: number, y: number): void {
    const pane = this.#paneAt(x, y);
    if (pane === undefined || y <= pane.y || y >= pane.y + pane.h - 1) return;
    this.#focus(pane.pane);
    const index = pane.top + y - pane.y - 1;
    if (pane.text.rows[index] === undefined) return;
    this.#choose(pane.pane, index);
    this.state.tops.set(pane.pane, pane.top);
    if (x === pane.x + 1) this.breakpoint();
    this.onChange();
  }
  wheel(x: number, y: number, by: number): void {
    const pane = this.#paneAt(x, y);
    if (pane === undefined) return;
    const last = Math.max(0, pane.text.rows.length - (pane.h - 2));
    // several turns may come between two redraws
    const top = this.state.tops.get(pane.pane) ?? pane.top;
    this.state.tops.set(pane.pane, Math.max(0, Math.min(last, top + by)));
    this.onChange();
  }
  #paneAt(x: number, y: number): DrawnPane | undefined {
    return this.#drawn.panes.find((p) => x >= p.x && x < p.x + p.w && y >= p.y && y < p.y + p.h);
  }

  move(motion: Motion): void {
    const isStation = motion.kind === 'station';
    if (this.#session === undefined || this.state.screen === 'verify') {
      if (isStation) this.#walkChain(motion.back === true ? -1 : 1);
      else if (this.#session === undefined)
        this.state.message = 'the verifier refused the program: there is nothing to run';
      if (this.#session === undefined || isStation) return;
    }
    if (this.#queue.length < MOST_WAITING) this.#queue.push(motion);
    this.#running ??= this.#run();
  }
  step(kind: 'step' | 'next', back: boolean): void {
    if (this.state.screen === 'verify') this.#walk(this.#story.step + (back ? -1 : 1));
    else this.move({ kind, unit: this.#unit, back });
  }
  /** Outside of programs there is only machine code to step through. */
  get #unit() {
    return this.#session?.stop.place.world === 'image' ? this.state.unit : 'x86';
  }
  async #run(): Promise<void> {
    for (let motion = this.#queue.shift(); motion !== undefined; motion = this.#queue.shift())
      await this.#make(this.#session as Session, motion);
    this.#running = undefined;
  }
  async #make(session: Session, motion: Motion): Promise<void> {
    const { state } = this;
    this.#abort = new AbortController();
    const lines = session.lines.length;
    try {
      const stop = await session.move(motion, {
        signal: this.#abort.signal,
        onProgress: ({ count }) => {
          state.busy = `running: ${grouped(count)} instructions since the start`;
          this.onChange();
        },
      });
      state.message = said(stop.reason, stop.logged, stop.breakpoint?.text);
    } catch (error) {
      if (!(error instanceof EmuError)) throw error;
      state.message = error.message;
    }
    this.#abort = undefined;
    state.busy = undefined;
    this.#linesBefore = lines;
    this.#shownAt = undefined;
    this.#follow();
    this.#refresh();
    this.onChange();
  }
  #refresh(): void {
    const session = this.#session;
    if (session !== undefined) this.#model = modelOf(session, this.#story.name, this.#linesBefore, this.#shownAt);
  }
  /** The panes go where the CPU is. */
  #follow(): void {
    this.state.chosen.clear();
    this.state.tops.clear();
  }
  pause(): void {
    this.#queue = [];
    this.#abort?.abort();
  }

  #walk(to: number): void {
    const { length } = this.#story.log.steps;
    this.#follow();
    this.#story.step = Math.max(0, Math.min(length - 1, to));
  }
  #walkChain(by: 1 | -1): void {
    const { log, step } = this.#story;
    const next = alongChain(log, step, by);
    if (next !== undefined) this.#walk(next);
    else this.state.message = by > 0 ? 'this is the last of what decides' : 'this is the first of what decides';
  }

  unit(): void {
    const next = UNITS[(UNITS.indexOf(this.state.unit) + 1) % UNITS.length] as State['unit'];
    this.#focus(CODE[next]);
    this.state.message = `s and n step by ${next === 'line' ? 'C lines' : next === 'bpf' ? 'BPF instructions' : 'x86 instructions'}`;
  }
  #focus(pane: PaneName): void {
    const { state } = this;
    state.focus = pane;
    state.unit = UNITS.find((u) => CODE[u] === pane) ?? state.unit;
  }
  focus(by: number): void {
    const panes = panesIn({ ...this.state, zoomed: false, help: false }, this.#model, this.#size.cols, this.#size.rows);
    const at = panes.indexOf(this.state.focus);
    this.#focus(panes[(at + by + panes.length) % panes.length] as PaneName);
  }
  zoom(): void {
    this.state.zoomed = !this.state.zoomed;
  }
  resize(axis: Axis, by: 1 | -1): void {
    const { sizes, focus } = this.state;
    const { cols, rows } = this.#size;
    const now = sizes.get(focus) ?? { across: 1, down: 1 };
    const panes = (): readonly DrawnPane[] => draw(this.state, this.#story, this.#model, cols, rows).panes;
    const cells = (of: readonly DrawnPane[]): number => {
      const pane = of.find((p) => p.pane === focus);
      return (axis === 'across' ? pane?.w : pane?.h) ?? 0;
    };
    const before = cells(panes());
    // by as much as a row or a column takes
    for (let size = now[axis] * GROWTH ** by; size >= LEAST_SIZE && size <= MOST_SIZE; size *= GROWTH ** by) {
      sizes.set(focus, { ...now, [axis]: size });
      const drawn = panes();
      // not so far that another pane has no room for a line
      if (!drawn.every((p) => p.w > 10 && p.h > 2)) break;
      if (cells(drawn) !== before) return;
    }
    sizes.set(focus, now);
    this.state.message = by > 0 ? 'the other panes have no room left' : 'there is no less of it';
  }
  reset(): void {
    this.state.sizes.clear();
  }
  hide(): void {
    this.state.hidden.add(this.state.focus);
    this.focus(1);
  }
  open(screen: Screen): void {
    const { state } = this;
    if (this.#session === undefined && screen !== 'object' && screen !== 'verify') {
      state.message = 'not reached: the verifier refused the program';
      return;
    }
    state.screen = screen;
    state.zoomed = false;
    state.help = false;
    const [first = 'source'] = panesIn(state, this.#model, this.#size.cols, this.#size.rows);
    state.focus = screen === 'run' ? codePane(state, this.#model) : first;
    if (screen === 'patch') this.#show(this.#model?.patches[0]?.address);
    else if (screen === 'run') this.#show(undefined);
  }
  /** The x86 pane shows the function at an address; undefined: where the CPU is. */
  #show(at: number | undefined): void {
    this.#shownAt = at;
    this.#refresh();
  }
  help(): void {
    this.state.help = !this.state.help;
    this.state.tops.delete('help');
  }
  escape(): void {
    const { state } = this;
    state.help = false;
    state.zoomed = false;
    state.hidden.clear();
    this.#follow();
    this.#session?.selectFrame(0);
    if (state.screen !== 'patch') this.#show(undefined);
  }
  /** Gives the session back. */
  close(): void {
    this.#session?.close();
  }
  quit(): void {
    this.pause();
    this.onQuit();
  }

  /** The pane that keys work on. */
  get #pane(): DrawnPane | undefined {
    const { panes } = this.#drawn;
    if (this.state.help) return panes[0];
    return panes.find((p) => p.pane === this.state.focus) ?? panes[0];
  }
  scroll(by: number | 'page' | '-page' | 'start' | 'end'): void {
    const pane = this.#pane;
    if (pane === undefined) return;
    const { rows, current, cursor } = pane.text;
    const page = Math.max(1, pane.h - 3);
    const from = this.state.chosen.get(pane.pane) ?? (cursor === true && current >= 0 ? current : pane.top);
    const to =
      by === 'start' ? 0 : by === 'end' ? rows.length - 1 : from + (by === 'page' ? page : by === '-page' ? -page : by);
    this.state.tops.delete(pane.pane);
    this.#choose(pane.pane, Math.max(0, Math.min(rows.length - 1, to)));
  }
  /** A line of a pane; of the call stack, the frame that the others show. */
  #choose(pane: PaneName, row: number): void {
    this.state.chosen.set(pane, row);
    const session = this.#session;
    if (pane !== 'calls' || session === undefined || row >= session.frames.length) return;
    session.selectFrame(row);
    this.#show(undefined);
  }
  breakpoint(): void {
    const pane = this.#pane;
    const session = this.#session;
    if (session === undefined || pane === undefined) return;
    const { rows, current } = pane.text;
    const target = rows[this.state.chosen.get(pane.pane) ?? current]?.target ?? {
      kind: 'address' as const,
      address: session.kernel.cpu.rip,
    };
    try {
      const { breakpoints } = session;
      const before = [...breakpoints.list];
      const added = breakpoints.add(target);
      const same = before.filter((p) => p.addresses.some((a) => added.addresses.includes(a)));
      if (same.length > 0) for (const { id } of [added, ...same]) breakpoints.remove(id);
      this.state.message =
        same.length > 0 ? `no breakpoint at ${added.text} any more` : `breakpoint at ${added.text}: c runs to it`;
    } catch (error) {
      if (!(error instanceof DebugError)) throw error;
      this.state.message = error.message;
    }
    this.#refresh();
  }

  ask(kind: 'goto' | 'search'): void {
    this.state.prompt = { kind, text: '' };
  }
  #typed(name: string, ch: string | undefined): void {
    const prompt = this.state.prompt as NonNullable<State['prompt']>;
    if (name === 'escape') this.state.prompt = undefined;
    else if (name === 'backspace') prompt.text = [...prompt.text].slice(0, -1).join('');
    else if (name === 'enter' || name === 'return') {
      this.state.prompt = undefined;
      const text = prompt.text.trim();
      if (prompt.kind === 'search') this.#search(text || this.state.searched);
      else if (text !== '') this.#goto(text);
    } else if (ch !== undefined && ch >= ' ' && ch !== '\x7f') prompt.text += ch;
  }
  #goto(text: string): void {
    const session = this.#session;
    if (session === undefined) return;
    if (/^[\d,_]+$/.test(text)) {
      this.move({ kind: 'goto', count: Number(text.replace(/[,_]/g, '')) });
      return;
    }
    try {
      const at =
        session.programs.named(text)?.view.functions[0]?.address ??
        session.kernel.symbols.address(text) ??
        addrFromBigInt(session.evaluate(text).bits);
      this.#show(at);
      this.#focus('x86');
      const row = this.#model?.x86.rows.findIndex((r) => r.address >= at) ?? -1;
      if (row < 0) this.state.message = `${text}: no code there`;
      else this.state.chosen.set('x86', row);
    } catch (error) {
      if (!(error instanceof DebugError)) throw error;
      this.state.message = error.message;
    }
  }
  #search(text: string): void {
    const pane = this.#pane;
    if (pane === undefined || text === '') return;
    this.state.searched = text;
    const { rows, current } = pane.text;
    const from = this.state.chosen.get(pane.pane) ?? current;
    const has = (n: number): boolean =>
      plainText(rows[n]?.line ?? [])
        .toLowerCase()
        .includes(text.toLowerCase());
    for (let k = 1; k <= rows.length; k++) {
      const n = (from + k + rows.length) % rows.length;
      if (!has(n)) continue;
      this.state.tops.delete(pane.pane);
      this.state.chosen.set(pane.pane, n);
      return;
    }
    this.state.message = `${text}: not in ${pane.text.title}`;
  }
}

/** Why it stopped, where that is not what was asked for. */
function said(reason: string, logged: readonly string[], point: string | undefined): string | undefined {
  const log = logged.length > 0 ? `${logged.join('; ')}  ` : '';
  if (reason === 'breakpoint' || reason === 'watchpoint') return `${log}stopped at ${point ?? reason}`;
  if (reason === 'end') return `${log}the end of the recording`;
  if (reason === 'begin') return `${log}the beginning of the recording`;
  if (reason === 'interrupted') return `${log}paused`;
  return log === '' ? undefined : log;
}
