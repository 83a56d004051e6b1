/** Conformance data beside the checkout (`../shared`): third-party programs and the real kernel's answers. */
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';

const root = new URL('../../../shared/', import.meta.url);

/** Whether the data is there; suites that need it skip, with a word, where it is not. */
export const haveShared = existsSync(root);
// what is quietly skipped in CI is never missed; a workflow that cannot have the data says so
if (!haveShared && process.env['CI'] === 'true' && process.env['WITHOUT_SHARED'] !== '1')
  throw new Error('CI needs the conformance data in ../shared beside the checkout (WITHOUT_SHARED=1 does without)');
if (!haveShared)
  console.log('skipped: no ../shared beside the checkout, so suites that read conformance data do not run');

/** Path of a file below `../shared`. */
export const sharedPath = (relative: string): string => fileURLToPath(new URL(relative, root));

/** Bytes of a file below `../shared`, gunzipped where its name ends in `.gz`. */
export function readShared(relative: string): Uint8Array {
  const bytes = readFileSync(sharedPath(relative));
  return relative.endsWith('.gz') ? gunzipSync(bytes) : bytes;
}

/** Records of a (gzipped) JSON-lines file below `../shared`. */
export function readJsonl<T>(relative: string): T[] {
  return Buffer.from(readShared(relative))
    .toString('utf8')
    .split('\n')
    .filter((line) => line.length > 0)
    .map((line) => JSON.parse(line) as T);
}

/** Bytes from hexadecimal text. */
export const fromHex = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex, 'hex'));
