/** Constant expressions of C, as format files of trace events print flags: `( unsigned long)((( gfp_t)(1UL << (6))) | 4)`. */

const TOKEN = /\s*(?:(0x[0-9a-f]+|\d+)[ul]*|(<<|>>|[()|&~+\-*]))/giy;
/** they change nothing in 64 bits */
const CAST = /\(\s*(?:const )?(?:unsigned )?(?:long|int|short|char|[a-z]\w*_t|[us]\d+)(?: long| int)*\s*\)/g;
const STRENGTH: Readonly<Record<string, number>> = { '|': 1, '&': 2, '<<': 3, '>>': 3, '+': 4, '-': 4, '*': 5 };
const WORD = 64;

/** Its value as an unsigned 64-bit integer; undefined for what is none. */
export function cConstant(text: string): bigint | undefined {
  const plain = text.replaceAll(CAST, ' ');
  const tokens: string[] = [];
  TOKEN.lastIndex = 0;
  for (let at = 0; at < plain.trimEnd().length; at = TOKEN.lastIndex) {
    const m = TOKEN.exec(plain);
    if (!m) return undefined;
    tokens.push((m[1] ?? m[2]) as string);
  }
  let at = 0;
  const primary = (): bigint | undefined => {
    const token = tokens[at++];
    if (token === '~' || token === '-') {
      const value = primary();
      return value === undefined ? undefined : token === '~' ? ~value : -value;
    }
    if (token === '(') {
      const value = binary(1);
      return tokens[at++] === ')' ? value : undefined;
    }
    return token !== undefined && /^\d/.test(token) ? BigInt(token) : undefined;
  };
  const binary = (least: number): bigint | undefined => {
    let left = primary();
    for (;;) {
      const operator = tokens[at] ?? '';
      const strength = STRENGTH[operator];
      if (left === undefined || strength === undefined || strength < least) return left;
      at++;
      const right = binary(strength + 1);
      if (right === undefined) return undefined;
      left = apply(operator, left, right);
    }
  };
  const value = binary(1);
  return value === undefined || at < tokens.length ? undefined : BigInt.asUintN(WORD, value);
}

function apply(operator: string, a: bigint, b: bigint): bigint | undefined {
  switch (operator) {
    case '|':
      return a | b;
    case '&':
      return a & b;
    case '+':
      return a + b;
    case '-':
      return a - b;
    case '*':
      return a * b;
    default:
      if (b < 0n || b >= BigInt(WORD)) return undefined;
      return operator === '<<' ? a << b : BigInt.asUintN(WORD, a) >> b;
  }
}
