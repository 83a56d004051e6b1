/** One line on a terminal that says how far a long run is; nothing where stderr is no terminal. */
import { err } from './standard.ts';
import { now, paint } from './style.ts';

/** ms before it is shown, and between two changes */
const PATIENCE = 1000;
const INTERVAL = 200;
const CLEAR = '\r\x1b[K';

export class Progress {
  readonly #started = now();
  #shown = 0;

  /** ms since it was made */
  get elapsed(): number {
    return now() - this.#started;
  }
  /** Shows what `text` gives, where it is time. */
  show(text: () => string): void {
    const { elapsed } = this;
    if (!err.isTerminal || elapsed < PATIENCE || elapsed - this.#shown < INTERVAL) return;
    this.#shown = elapsed;
    err.write(`${CLEAR}${paint.dim(`${(elapsed / 1000).toFixed(1)} s, ${text()}`)}`);
  }
  /** Takes the line away. */
  clear(): void {
    if (this.#shown > 0) err.write(CLEAR);
    this.#shown = 0;
  }
}
