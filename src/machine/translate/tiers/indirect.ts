/**
 * Where indirect calls go: one that always goes to the same function has that inlined, behind a comparison; others look
 * for the unit there.
 */
import { type Addr, dropRange } from '../../addr.ts';

/** An indirect call: its first target, and how often it was and was not that. */
interface Indirect {
  readonly target: Addr;
  hits: number;
  misses: number;
}

/** calls to the same function until that is inlined, and others until it is inlined no more */
const SETTLED = 16;
const POLYMORPHIC = 32;

export class IndirectCalls {
  /** by the low half of the call's address */
  private readonly calls = new Map<number, Indirect>();

  /** The one function that the call at an address goes to. */
  targetOf = (site: Addr): Addr | undefined => {
    const i = this.calls.get(site | 0);
    return i !== undefined && i.hits >= SETTLED && i.misses < POLYMORPHIC ? i.target : undefined;
  };

  /** Whether the call at an address goes to several functions. */
  isPolymorphic = (site: Addr): boolean => (this.calls.get(site | 0)?.misses ?? 0) >= POLYMORPHIC;

  /**
   * The call at `site` (the low half of its address) left translated code. True when it is known from now on whether it
   * always calls the same, so that the unit may be made again.
   */
  left(site: number, target: Addr): boolean {
    const i = this.calls.get(site);
    if (i === undefined) this.calls.set(site, { target, hits: 1, misses: 0 });
    else if (i.target !== target) {
      const known = i.misses >= POLYMORPHIC;
      i.misses = POLYMORPHIC;
      return !known;
    } else if (++i.hits === SETTLED && i.misses < POLYMORPHIC) return true;
    return false;
  }

  /** Forgets calls in a range whose text is gone. Of kernel text, which is in the top 2 GiB, an address is its low half. */
  forget(start: Addr, end: Addr): void {
    dropRange(this.calls, start, end);
  }

  /** What is inlined for the call at `rip`; undefined: nothing ever was. */
  inlined(rip: Addr): Addr | undefined {
    const i = this.calls.get(rip | 0);
    return i !== undefined && i.hits >= SETTLED ? i.target : undefined;
  }

  /** The call at `rip` went elsewhere than to what is inlined for it. True when that should be inlined no more. */
  missed(rip: Addr): boolean {
    const i = this.calls.get(rip | 0);
    return i !== undefined && ++i.misses === POLYMORPHIC;
  }
}
