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
