/** Sessions over fixtures. */
import { readFileSync } from 'node:fs';
import { Session, type SessionOptions } from '../../src/debug/index.ts';
import { readStrace } from '../../src/replay/index.ts';

export const fixture = (name: string): Buffer => readFileSync(new URL(`../../fixtures/${name}`, import.meta.url));

export const fixtureOptions = (name: string): SessionOptions => ({
  object: fixture(name),
  name,
  recording: readStrace(fixture('traces/python3.strace').toString()).trace,
  source: (file) => fixture(file.replace(/^.*\//, '')).toString(),
});

export const openSession = (name: string, options: Partial<SessionOptions> = {}): Promise<Session> =>
  Session.open({ ...fixtureOptions(name), ...options });

/** Where the kernel's heap puts things is no matter of a transcript; in packets addresses are little-endian. */
export const maskHeap = (text: string): string =>
  text.replace(/ffff8880[0-9a-f]{8}/g, 'ffff8880········').replace(/[0-9a-f]{8}8088ffff/g, '········8088ffff');
