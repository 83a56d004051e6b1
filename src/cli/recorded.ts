/** Files of recorded sessions, wherever an object file may stand. */
import { closeSync, openSync, readSync } from 'node:fs';
import { decodeSession, isSessionFile, type SavedSession } from '../debug/record/session-file.ts';
import { readInput } from './files.ts';

const SNIFFED = 64;

/** undefined: it is none, or cannot be read, which whoever opens it finds. @throws DebugError where it is damaged */
export function readSessionFile(file: string): SavedSession | undefined {
  if (!beginsLikeOne(file)) return undefined;
  return decodeSession(readInput(file), file);
}

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
