/** Files of recorded sessions, wherever an object file may stand. */
import { closeSync, openSync, readSync } from 'node:fs';
import type { Kernel, Moment } from '../../kernel-sim/index.ts';
import { decodeSession, isSessionFile, type SavedSession } from '../debug/record/session-file.ts';
import { makeChange } from '../debug/time/changes.ts';
import type { LoadedObject } from '../object/index.ts';
import { readInput } from './files.ts';

const SNIFFED = 64;

/** undefined: it is none, or cannot be read, which whoever opens it finds. @throws DebugError where it is damaged */
export function readSessionFile(file: string): SavedSession | undefined {
  if (!beginsLikeOne(file)) return undefined;
  return decodeSession(readInput(file), file);
}

/** What was set in the debugger, for a replay without one. */
export const momentsOf = ({ changes }: SavedSession, kernel: Kernel, loaded: LoadedObject<Kernel>): readonly Moment[] =>
  changes.map(({ count, change }) => ({ insns: count, act: () => makeChange({ kernel, loaded }, change) }));

/** A pipe gives what it has once: only what can be opened twice is looked at. */
function beginsLikeOne(file: string): boolean {
  let fd: number | undefined;
  try {
    fd = openSync(file, 'r');
    const bytes = new Uint8Array(SNIFFED);
    const length = readSync(fd, bytes, 0, SNIFFED, 0);
    return isSessionFile(bytes.subarray(0, length));
  } catch {
    return false;
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}
