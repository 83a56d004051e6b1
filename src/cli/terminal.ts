/**
 * What goes to the terminal. Names and text of files are shown, but do not act: control characters among them are
 * escaped, so that a section's name can neither move the cursor nor hide a line.
 */

import { pageOut } from './pager.ts';
import { err } from './standard.ts';

/** Colours, only where stderr is a terminal and NO_COLOR (no-color.org) is not set. */
export const colours = err.isTerminal && !process.env['NO_COLOR'];

/** Our own colours (ECMA-48 8.3.117, SGR) as they are; else C0 but for tab and newline, DEL, C1. */
const CONTROL = /(\x1b\[(?:1|2|22|31|32|33|36|39)m)|[\x00-\x08\x0b-\x1f\x7f-\x9f]/g;

const code = (c: string): string => `\\x${c.charCodeAt(0).toString(16).padStart(2, '0')}`;

/** Text with control characters as C writes them: `\x1b`. */
export const escapeControls = (text: string): string =>
  text.replace(CONTROL, (c, colour?: string) => (colour !== undefined && colours ? c : [...c].map(escapeOne).join('')));

const escapeOne = (c: string): string => (/[\x00-\x08\x0b-\x1f\x7f-\x9f]/.test(c) ? code(c) : c);

/** To stdout: what was asked for. */
export function print(text: string): void {
  pageOut(escapeControls(text));
}

/** To stderr: what is said about it. */
export function tell(text: string): void {
  err.write(escapeControls(text));
}
