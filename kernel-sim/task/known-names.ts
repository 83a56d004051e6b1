/**
 * What recorded calls have told of names: which do not exist, which lead elsewhere, and of which directories every name
 * is known because the recording saw them made. Of other names only Linux would know; they exist where a call succeeds.
 */
import { capture } from '../core/state.ts';

/** names remembered; then what is known of absent ones is forgotten */
const MAX_ABSENT = 16384;

export const parentPath = (path: string): string => path.slice(0, Math.max(path.lastIndexOf('/'), 1));

export class KnownNames {
  readonly #absent = new Set<string>();
  /** directories that were made */
  readonly #made = new Set<string>();
  /** names in them */
  readonly #inMade = new Set<string>();
  /** symbolic links, and their text */
  readonly #links = new Map<string, string>();

  save() {
    return capture({ absent: this.#absent, made: this.#made, inMade: this.#inMade, links: this.#links });
  }
  restore(state: ReturnType<KnownNames['save']>): void {
    state.back();
  }

  isAbsent(path: string): boolean {
    if (this.#absent.has(path)) return true;
    return this.#made.size > 0 && this.#made.has(parentPath(path)) && !this.#inMade.has(path);
  }
  get hasLinks(): boolean {
    return this.#links.size > 0;
  }
  link(path: string): string | undefined {
    return this.#links.get(path);
  }
  exists(path: string, what: { readonly directory?: boolean; readonly link?: string } = {}): void {
    this.#absent.delete(path);
    if (this.#made.has(parentPath(path))) this.#inMade.add(path);
    if (what.directory) this.#made.add(path);
    if (what.link !== undefined) this.#links.set(path, what.link);
  }
  gone(path: string): void {
    if (this.#absent.size >= MAX_ABSENT) this.#absent.clear();
    this.#absent.add(path);
    this.#inMade.delete(path);
    this.#made.delete(path);
    this.#links.delete(path);
  }
  /** What is known of a name goes with it. */
  moved(from: string, to: string): void {
    const what = {
      directory: this.#made.has(from),
      ...(this.#links.has(from) ? { link: this.#links.get(from) as string } : {}),
    };
    this.gone(from);
    this.exists(to, what);
  }
}
