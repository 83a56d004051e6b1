/** A row of the tables: a message of Linux 6.12's verifier, and what it means to the program's author. */
import type { RejectionLog } from './log.ts';

export interface Row {
  readonly message: RegExp;
  /**
   * The meaning, in which `$1` stands for what the pattern's first group found; or what makes it of the message and the
   * log. null: deliberately none, as the message says it all or is about the kernel itself.
   */
  readonly meaning: string | ((found: RegExpExecArray, log: RejectionLog) => string) | null;
}

export const row = (message: RegExp, meaning: Row['meaning']): Row => ({ message, meaning });

/** The meaning that a row gives to a message; undefined where it is not the row's, null where there is none. */
export function apply({ message, meaning }: Row, text: string, log: RejectionLog): string | null | undefined {
  const found = message.exec(text);
  if (!found) return undefined;
  if (typeof meaning === 'function') return meaning(found, log);
  return meaning?.replace(/\$(\d)/g, (_, n) => found[Number(n)] ?? '') ?? null;
}
