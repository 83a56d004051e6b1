/** Errors of opening, relocating, loading and attaching: which object, which part of it, what to do. */
import { EmuError } from '../errors/index.ts';

/** What is wrong with an object. */
export class ObjectError extends EmuError {
  override readonly name = 'ObjectError';
  readonly object: string;
  /** program, map, section or symbol that the problem is in */
  readonly part: string | undefined;

  constructor(object: string, part: string | undefined, message: string) {
    const where = part === undefined ? object : `${object}: ${part}`;
    super('ERR_OBJECT', `${where}: ${message}`, { where });
    this.object = object;
    this.part = part;
  }
}

const COLOURS = /\x1b\[[0-9;]*[mK]/g;

/** clang is not there, or it refused the source: its own words are part of the message. */
export class ClangError extends EmuError {
  override readonly name = 'ClangError';
  /** the first line of the message: what was tried */
  readonly summary: string;
  /** what clang wrote, with its colours where it was asked for them; '' where it did not run */
  readonly diagnostics: string;
  constructor(summary: string, diagnostics = '') {
    super('ERR_CLANG', diagnostics === '' ? summary : `${summary}\n${diagnostics.replace(COLOURS, '').trimEnd()}`);
    this.summary = summary;
    this.diagnostics = diagnostics;
  }
}
