/**
 * Lines of a recording as strace meant them. It writes about itself in between, and where a task
 * begins while another's line is half written, into the middle of that line:
 *
 *     clone(child_stack=NULL, flags=SIGCHLDstrace: Process 2479 attached
 *     , child_tidptr=0x7fb502b34a10) = 2479
 */
export interface LogicalLine {
  /** of its first part, from 1 */
  readonly line: number;
  readonly text: string;
}

const CHATTER = /^strace: |^\s*$/;
const ATTACHED = /strace: Process \d+ attached$/;

export function* logicalLines(text: string): Generator<LogicalLine> {
  const raw = text.split(/\r?\n/);
  for (let i = 0; i < raw.length; i++) {
    const line = i + 1;
    let whole = raw[i] as string;
    if (CHATTER.test(whole)) continue;
    while (ATTACHED.test(whole) && i + 1 < raw.length) whole = whole.replace(ATTACHED, '') + raw[++i];
    yield { line, text: whole };
  }
}
