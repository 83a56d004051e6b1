/** The columns by which a row of any table says that other releases of Linux differ. */

/** `6.12`: major and minor number of a release of Linux. */
export type Version = `${number}.${number}`;

/** Columns that any row of a table may have. */
export interface Versioned {
  /** the first release that has it */
  readonly since?: Version;
  /** the first release that has it no more */
  readonly until?: Version;
}
