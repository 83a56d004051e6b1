/** What was learned of single instructions of guest text, until the text goes. */
import { type Addr, dropRange } from '../../addr.ts';
import { PAGE_SIZE } from '../../layout.ts';
import type { Unit } from '../ir/ir.ts';

export class Learned {
  /** starts of executed blocks that units were made of */
  readonly warm = new Set<Addr>();
  /** instructions that were watched for once */
  readonly watched = new Set<Addr>();
  /** entries where rbp turned out not to be a frame pointer at a fixed distance from rsp */
  readonly wrongFrames = new Set<Addr>();
  /** numbers of the pages with code of which something was learned */
  private readonly pages = new Set<number>();

  /** Something is about to be learned of code in these ranges. */
  of(ranges: Unit['ranges']): void {
    for (const [start, end] of ranges) {
      for (let page = Math.floor(start / PAGE_SIZE); page * PAGE_SIZE < end; page++) this.pages.add(page);
    }
  }

  watch(rip: Addr): void {
    this.watched.add(rip);
    this.pages.add(Math.floor(rip / PAGE_SIZE));
  }

  /** Forgets what was learned of a range; false where that is nothing, here and elsewhere. */
  forget(start: Addr, end: Addr): boolean {
    const { pages } = this;
    const first = Math.floor(start / PAGE_SIZE);
    const last = Math.floor((end - 1) / PAGE_SIZE);
    let found = false;
    if (last - first < pages.size) for (let page = first; page <= last && !found; page++) found = pages.has(page);
    else for (const page of pages) found ||= page >= first && page <= last;
    if (!found) return false;
    for (const of of [this.warm, this.watched, this.wrongFrames]) dropRange(of, start, end);
    for (const page of pages) if (page * PAGE_SIZE >= start && (page + 1) * PAGE_SIZE <= end) pages.delete(page);
    return true;
  }
}
