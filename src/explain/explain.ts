/** From the verifier's log to a rejection as data. */
import type { ExplainedInsn, ExplainedSource, Explanation } from './explanation.ts';
import { explainRejection } from './index.ts';
import { type LogInsn, RejectionLog, stateText } from './log.ts';
import { topicOf } from './topics/index.ts';

/** `*n += 1; @ rejected.c:20` */
const SOURCE = /^(.*) @ (.+):(\d+)$/;
const REGISTER = /\bR(\d+)\b/;
const STATE = /\b(R\d+|fp-\d+)(?:_[rwD]+)?=/g;

function sourceOf(log: RejectionLog, line: number): ExplainedSource | undefined {
  const above = log.lines.slice(0, line + 1).findLast((text) => text.startsWith('; '));
  const [, text, file, number] = SOURCE.exec(above?.slice(2) ?? '') ?? [];
  return text === undefined || file === undefined ? undefined : { text, file, line: Number(number) };
}
const insnOf = (log: RejectionLog, insn: LogInsn): ExplainedInsn => ({
  index: insn.index,
  text: insn.text,
  source: sourceOf(log, insn.line),
});

/** What the log last says of each register and stack slot. */
function registersAt(log: RejectionLog): { readonly [register: string]: string } {
  const known = new Map<string, string>();
  for (const line of log.lines.slice(0, log.at)) {
    const states = /^(?:\d+|from \d+ to \d+.*): |; (?:R\d|fp-)/.test(line) ? line : '';
    for (const { 1: name = '', index, 0: whole } of states.matchAll(STATE))
      known.set(name, stateText(states, index + whole.length));
  }
  return Object.fromEntries([...known].sort(([a], [b]) => a.localeCompare(b, 'en', { numeric: true })));
}

/** @param text of the verifier's log at any level that shows instructions */
export function explain(text: string): Explanation {
  const log = new RejectionLog(text);
  const { message, meaning } = explainRejection(text);
  const { stop } = log;
  const register = REGISTER.exec(message)?.[0];
  return {
    message,
    insn: stop && insnOf(log, stop),
    source: stop && sourceOf(log, stop.line),
    registers: registersAt(log),
    causes:
      register === undefined
        ? []
        : log.steps(register).map((step) => ({ ...insnOf(log, step.insn), register: step.register })),
    advice: meaning,
    topic: topicOf(message)?.name,
  };
}
