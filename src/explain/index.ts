/** What a person needs of a refusal: the line that decides, the instruction, the C line, and what it means. */
import { insnText, RejectionLog } from './log.ts';
import { table } from './meanings/index.ts';
import { apply } from './row.ts';

export interface Rejection {
  /** the verifier's own words, the line that decides */
  readonly message: string;
  /** instruction at which it stopped, as the log shows it */
  readonly insn: string | undefined;
  /** C line above it: `*n += 1; @ rejected.c:20` */
  readonly source: string | undefined;
  /** what the message means and what to do; null where it says all itself, undefined where no row knows it */
  readonly meaning: string | null | undefined;
}

/** What the tables make of one message. */
export function meaningOf(log: RejectionLog): string | null | undefined {
  for (const row of table) {
    const meaning = apply(row, log.message, log);
    if (meaning !== undefined) return meaning;
  }
  return undefined;
}

/** Reads the end of a log. */
export function explainRejection(text: string): Rejection {
  const log = new RejectionLog(text);
  const { stop } = log;
  // libbpf's words for an instruction that a CO-RE relocation left without meaning
  const poisoned = /^\d+: <invalid .*>$/.exec(log.lines[log.at - 1] ?? '')?.[0];
  return {
    message: log.message || 'the verifier gives no reason',
    insn: poisoned ?? (stop && `${stop.index}: ${stop.text}`),
    source: log.source,
    meaning: log.message ? meaningOf(log) : undefined,
  };
}

export { topicOf, topics } from './topics/index.ts';
export type { Topic } from './topics/topic.ts';
/** What an accepted program may not do without privileges; undefined where there is nothing to say. @param insns that read stack which was never written */
export function uninitialisedReads(insns: readonly number[]): string | undefined {
  if (insns.length === 0) return undefined;
  const which = `instruction${insns.length === 1 ? '' : 's'} ${insns.slice(0, 8).join(', ')}${insns.length > 8 ? ' ...' : ''}`;
  return `${which} read${insns.length === 1 ? 's' : ''} stack that was never written: loads with CAP_PERFMON may, as this one; without it the verifier refuses (ebpf-emu explain stack)`;
}

export { insnText, RejectionLog };
