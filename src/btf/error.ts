/** What is wrong with BTF data, and where. */
export class BtfError extends Error {
  override readonly name = 'BtfError';
  /** type the problem is in, where it is in one */
  readonly typeId: number | undefined;
  /** byte offset in the BTF data, where known */
  readonly offset: number | undefined;

  constructor(message: string, where: { typeId?: number; offset?: number } = {}) {
    super(
      `BTF: ${message}${where.typeId === undefined ? '' : `, type [${where.typeId}]`}${where.offset === undefined ? '' : `, at byte ${where.offset}`}`,
    );
    this.typeId = where.typeId;
    this.offset = where.offset;
  }
}
