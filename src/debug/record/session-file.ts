/**
 * A session as one file: the object, what was replayed, how the kernel was booted, the sources that were shown, the
 * breakpoints, what was set on the way. The kernel is deterministic, so whoever opens it sees the same bytes.
 *
 *     ebpf-emu session 1\n
 *     { ...JSON on one line, "parts": [["object", bytes], ["recording", bytes], ...] }\n
 *     the parts, one behind the other
 */
import type { BootOptions } from '../../../kernel-sim/index.ts';
import { concatBytes, decodeUtf8, encodeUtf8 } from '../../platform/index.ts';
import type { BreakpointAt, BreakpointOptions, WatchAt } from '../breakpoints/types.ts';
import { DebugError } from '../error.ts';
import { readChange, type SavedChange, saveChange, type TimedChange } from '../time/changes.ts';

export interface SavedBreakpoint {
  readonly at: BreakpointAt | WatchAt;
  readonly options: BreakpointOptions;
  readonly enabled: boolean;
}

export interface SavedSession {
  /** the object's name, for messages */
  readonly name: string;
  readonly object: Uint8Array;
  /** as it was read: strace's text, or another that a replay takes */
  readonly recording: Uint8Array;
  readonly boot: BootOptions;
  readonly programs?: readonly string[];
  /** C sources by the name that the object's line information has */
  readonly sources: Readonly<Record<string, string>>;
  readonly breakpoints: readonly SavedBreakpoint[];
  /** registers, memory and values of maps that were set, by their moments */
  readonly changes: readonly TimedChange[];
}

const MAGIC = 'ebpf-emu session ';
const VERSION = 1;
const NEWLINE = 10;

/** What of a kernel's options is bytes. */
const BYTES = ['kallsyms', 'btf'] as const;

interface Header {
  readonly name: string;
  readonly boot: BootOptions;
  readonly programs?: readonly string[];
  readonly sources: Readonly<Record<string, string>>;
  readonly breakpoints: readonly SavedBreakpoint[];
  /** none in files of versions that did not record them */
  readonly changes?: readonly SavedChange[];
  readonly parts: readonly (readonly [name: string, bytes: number])[];
}

/** Whether a file's bytes are such a session. */
export const isSessionFile = (bytes: Uint8Array): boolean => decodeUtf8(bytes.subarray(0, MAGIC.length)) === MAGIC;

export function encodeSession(saved: SavedSession): Uint8Array {
  const parts: [string, Uint8Array][] = [
    ['object', saved.object],
    ['recording', saved.recording],
  ];
  const boot: Record<string, unknown> = { ...saved.boot };
  for (const name of BYTES) {
    const value = saved.boot[name];
    delete boot[name];
    if (value === undefined) continue;
    // a path means nothing elsewhere: who records has read it
    if (typeof value === 'string') throw new DebugError(`${name} is a file's name here: give its bytes to record it`);
    parts.push([name, value]);
  }
  const { name, programs, sources, breakpoints, changes } = saved;
  const header: Header = {
    name,
    boot,
    ...(programs === undefined ? {} : { programs }),
    sources,
    breakpoints,
    ...(changes.length === 0 ? {} : { changes: changes.map(saveChange) }),
    parts: parts.map(([of, bytes]) => [of, bytes.length]),
  };
  const text = `${MAGIC}${VERSION}\n${JSON.stringify(header)}\n`;
  return concatBytes([encodeUtf8(text), ...parts.map(([, bytes]) => bytes)]);
}

/** @throws DebugError where it is damaged, or of a version that is not known here */
export function decodeSession(bytes: Uint8Array, file: string): SavedSession {
  const damaged = (what: string): DebugError => new DebugError(`${file}: a recorded session, but ${what}`);
  const first = bytes.indexOf(NEWLINE);
  const version = decodeUtf8(bytes.subarray(MAGIC.length, Math.max(first, MAGIC.length)));
  if (version !== String(VERSION)) throw damaged(`of version ${version}, where ${VERSION} is known here`);
  const second = bytes.indexOf(NEWLINE, first + 1);
  if (second < 0) throw damaged('its second line has no end');
  let header: Header;
  try {
    header = JSON.parse(decodeUtf8(bytes.subarray(first + 1, second)));
  } catch {
    throw damaged('its second line is no JSON');
  }
  const { name, boot, programs, sources, breakpoints, changes = [], parts } = header;
  if (typeof name !== 'string' || !Array.isArray(parts) || !Array.isArray(breakpoints))
    throw damaged('its second line lacks something');
  if (!Array.isArray(changes)) throw damaged('what was set is no list');
  const made = changes.map((saved: unknown) => {
    const change = readChange(saved);
    if (change === undefined) throw damaged(`${JSON.stringify(saved)} is nothing that can be set`);
    return change;
  });
  const found = new Map<string, Uint8Array>();
  let at = second + 1;
  for (const [of, length] of parts) {
    if (!Number.isSafeInteger(length) || length < 0 || at + length > bytes.length)
      throw damaged(`its ${of} is cut off`);
    found.set(of, bytes.slice(at, at + length));
    at += length;
  }
  const object = found.get('object');
  const recording = found.get('recording');
  if (object === undefined || recording === undefined) throw damaged('it has no object or no recording');
  const given = BYTES.filter((of) => found.has(of)).map((of) => [of, found.get(of)]);
  return {
    name,
    object,
    recording,
    boot: { ...boot, ...Object.fromEntries(given) },
    ...(programs === undefined ? {} : { programs }),
    sources: sources ?? {},
    breakpoints,
    changes: made,
  };
}
