import { EmuError } from '../errors/index.ts';

/** What is wrong with BTF data, and where. */
export class BtfError extends EmuError {
  override readonly name = 'BtfError';
  /** type the problem is in, where it is in one */
  readonly typeId: number | undefined;
  /** byte offset in the BTF data, where known */
  readonly offset: number | undefined;

  constructor(message: string, where: { typeId?: number; offset?: number } = {}) {
    super(
      'ERR_BTF',
      `BTF: ${message}${where.typeId === undefined ? '' : `, type [${where.typeId}]`}${where.offset === undefined ? '' : `, at byte ${where.offset}`}`,
      { where: where.typeId === undefined ? undefined : `type [${where.typeId}]` },
    );
    this.typeId = where.typeId;
    this.offset = where.offset;
  }
}
