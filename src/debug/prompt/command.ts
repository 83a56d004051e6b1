/** What a command of the prompt is. */
import { DebugError } from '../error.ts';
import type { Session } from '../session/session.ts';
import type { MoveOptions } from '../session/types.ts';

export interface Prompt {
  readonly session: Session;
  /** lines that were written of trace_pipe already */
  shown: number;
  /** expressions that are shown at each stop, by their numbers */
  readonly displays: Map<number, string>;
  readonly options: MoveOptions;
  /** Runs a line; what it says. */
  run(line: string): Promise<string>;
}

export interface Command {
  /** the first is its name, the others short for it */
  readonly names: readonly string[];
  readonly takes: string;
  readonly about: string;
  /** Its answer. @throws DebugError */
  run(prompt: Prompt, text: string): Promise<string> | string;
}

/** `3`: how many times. @throws DebugError where it is no number */
export function times(text: string): number {
  if (text === '') return 1;
  if (!/^\d+$/.test(text)) throw new DebugError(`'${text}' is no number of times`);
  return Number(text);
}
