/** What is shown at each stop. */
import { DebugError } from '../error.ts';
import type { Prompt } from './command.ts';

/** A line each; what is not there where it stands says so. */
export const displayed = ({ session, displays }: Prompt): string[] =>
  [...displays].map(([n, text]) => {
    try {
      return `${n}: ${text} = ${session.evaluate(text).text}`;
    } catch (error) {
      if (error instanceof DebugError) return `${n}: ${text}: ${error.message}`;
      throw error;
    }
  });
