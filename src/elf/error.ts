import { EmuError } from '../errors/index.ts';

/** What is wrong with an object file, and where: the file, the section and the byte offset. */
export class ElfError extends EmuError {
  override readonly name = 'ElfError';
  readonly file: string;
  /** section the problem is in, where it is in one */
  readonly section: string | undefined;
  /** byte offset in the file, where known */
  readonly offset: number | undefined;

  constructor(
    file: string,
    message: string,
    where: { section?: string | undefined; offset?: number | undefined } = {},
  ) {
    const section = where.section === undefined ? '' : ` section ${where.section}:`;
    const offset = where.offset === undefined ? '' : ` (at offset 0x${where.offset.toString(16)})`;
    super('ERR_ELF', `${file}:${section} ${message}${offset}`, { where: `${file}${section}` });
    this.file = file;
    this.section = where.section;
    this.offset = where.offset;
  }
}
