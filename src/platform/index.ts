/**
 * The host as the core sees it. One file a host: `node.ts`, and `browser.ts`, which a bundle for browsers has in its
 * place (`browser` in package.json).
 */
import { host } from './node.ts';

export * from './bytes.ts';
export { FileError, GzipError } from './errors.ts';
export type { ByteSource, CipherRun, DataFile, Host, OpenBytes, ProgramResult, ProgramRun } from './host.ts';
export { host };

export const { decodeUtf8, encodeUtf8, decodeLatin1, encodeLatin1, decodeBase64 } = host;
export { shownAs } from './inspect.ts';
