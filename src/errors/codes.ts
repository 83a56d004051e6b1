/** Codes of the typed errors. They stay the same from version to version; docs/errors.md is written from here. */
export const ERROR_CODES = {
  ERR_FILE: 'a file cannot be read or written',
  ERR_GZIP: 'gzip data is damaged, or unpacks to more than is taken',
  ERR_HOST: 'this system cannot do what `exec` needs',
} as const;

export type ErrorCode = keyof typeof ERROR_CODES;
