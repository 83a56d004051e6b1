/** Arithmetic operations as messages name them. */
const names = ['+=', '-=', '*=', '/=', '|=', '&=', '<<=', '>>=', 'neg', '%=', '^=', '=', 's>>=', 'endian', '', ''];
export const aluText = (op: number): string => names[op >> 4] ?? '';
