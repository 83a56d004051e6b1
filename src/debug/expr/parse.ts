/** Expressions as C writes them: what the prompt, conditions, log points and watch windows take. */
import { DebugError } from '../error.ts';

export type Expr =
  | { readonly kind: 'number'; readonly value: bigint }
  | { readonly kind: 'string'; readonly value: string }
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'unary'; readonly op: '-' | '!' | '~' | '*' | '&'; readonly of: Expr }
  | { readonly kind: 'binary'; readonly op: string; readonly left: Expr; readonly right: Expr }
  | { readonly kind: 'member'; readonly of: Expr; readonly name: string; readonly arrow: boolean }
  | { readonly kind: 'index'; readonly of: Expr; readonly index: Expr }
  | { readonly kind: 'cast'; readonly type: TypeName; readonly of: Expr }
  | { readonly kind: 'sizeof'; readonly type: TypeName }
  | { readonly kind: 'choice'; readonly condition: Expr; readonly yes: Expr; readonly no: Expr };

export interface TypeName {
  /** without `struct` and the stars */
  readonly name: string;
  readonly kind: 'struct' | 'union' | 'enum' | undefined;
  readonly stars: number;
}

const TOKEN =
  /\s*(?:(0x[0-9a-fA-F]+|\d+)[uUlL]*|([$A-Za-z_.][\w.$]*)|'((?:\\.|[^'\\]))'|"((?:\\.|[^"\\])*)"|(->|<<|>>|<=|>=|==|!=|&&|\|\||[-+*/%&|^~!<>()[\].?:,]))/y;

type Token =
  | { readonly kind: 'number'; readonly value: bigint }
  | { readonly kind: 'string' | 'name' | 'op'; readonly text: string };

/** Binary operators by how tightly they bind, the loosest first. */
const LEVELS: readonly (readonly string[])[] = [
  ['||'],
  ['&&'],
  ['|'],
  ['^'],
  ['&'],
  ['==', '!='],
  ['<', '<=', '>', '>='],
  ['<<', '>>'],
  ['+', '-'],
  ['*', '/', '%'],
];
/** Words that begin a type. */
const BASE_TYPES =
  /^(?:u8|u16|u32|u64|s8|s16|s32|s64|__u8|__u16|__u32|__u64|__s8|__s16|__s32|__s64|char|short|int|long|unsigned|signed|bool|void|size_t|pid_t)$/;

/** @throws DebugError where it is no expression */
export function parseExpr(text: string): Expr {
  const parser = new Parser(tokens(text), text);
  const expr = parser.choice();
  parser.end();
  return expr;
}

function tokens(text: string): Token[] {
  const out: Token[] = [];
  TOKEN.lastIndex = 0;
  while (text.slice(TOKEN.lastIndex).trim() !== '') {
    const at = TOKEN.lastIndex;
    const m = TOKEN.exec(text);
    if (m === null) throw new DebugError(`'${text}': '${text.slice(at).trim()[0]}' is nothing that an expression has`);
    const [, number, name, char, string, op] = m;
    if (number !== undefined) out.push({ kind: 'number', value: BigInt(number) });
    else if (char !== undefined) out.push({ kind: 'number', value: BigInt(unescaped(char).charCodeAt(0)) });
    else if (string !== undefined) out.push({ kind: 'string', text: unescaped(string) });
    else if (name !== undefined) out.push(...names(name));
    else out.push({ kind: 'op', text: op as string });
  }
  return out;
}
/** `a.b` is a member, `.rodata` a name. */
function names(text: string): Token[] {
  const [first, ...rest] = text.startsWith('.')
    ? [`.${text.slice(1).split('.')[0]}`, ...text.slice(1).split('.').slice(1)]
    : text.split('.');
  return [
    { kind: 'name', text: first as string },
    ...rest.flatMap((name): Token[] => [
      { kind: 'op', text: '.' },
      { kind: 'name', text: name },
    ]),
  ];
}
const unescaped = (text: string): string =>
  text.replace(/\\(.)/g, (_, c: string) => ({ n: '\n', t: '\t', '0': '\0' })[c] ?? c);

class Parser {
  readonly #tokens: readonly Token[];
  readonly #text: string;
  #at = 0;
  constructor(all: readonly Token[], text: string) {
    this.#tokens = all;
    this.#text = text;
  }
  #peek(ahead = 0): string | undefined {
    const token = this.#tokens[this.#at + ahead];
    return token?.kind === 'op' || token?.kind === 'name' ? token.text : undefined;
  }
  #is(text: string): boolean {
    const token = this.#tokens[this.#at];
    return token?.kind === 'op' && token.text === text;
  }
  #take(text: string): boolean {
    if (!this.#is(text)) return false;
    this.#at++;
    return true;
  }
  #expect(text: string): void {
    if (!this.#take(text)) throw new DebugError(`'${this.#text}': '${text}' is missing${this.#where()}`);
  }
  #where(): string {
    const token = this.#tokens[this.#at];
    if (token === undefined) return ' at its end';
    return ` in front of '${token.kind === 'number' ? token.value : token.text}'`;
  }
  end(): void {
    if (this.#at < this.#tokens.length)
      throw new DebugError(`'${this.#text}' goes on where it should end${this.#where()}`);
  }

  choice(): Expr {
    const condition = this.#binary(0);
    if (!this.#take('?')) return condition;
    const yes = this.choice();
    this.#expect(':');
    return { kind: 'choice', condition, yes, no: this.choice() };
  }
  #binary(level: number): Expr {
    const ops = LEVELS[level];
    if (ops === undefined) return this.#unary();
    let left = this.#binary(level + 1);
    for (;;) {
      const op = ops.find((o) => this.#is(o));
      if (op === undefined) return left;
      this.#at++;
      left = { kind: 'binary', op, left, right: this.#binary(level + 1) };
    }
  }
  #unary(): Expr {
    for (const op of ['-', '!', '~', '*', '&'] as const)
      if (this.#take(op)) return { kind: 'unary', op, of: this.#unary() };
    if (this.#is('(') && this.#isType(1)) {
      this.#at++;
      const type = this.#type();
      this.#expect(')');
      return { kind: 'cast', type, of: this.#unary() };
    }
    return this.#postfix(this.#primary());
  }
  #postfix(of: Expr): Expr {
    for (;;) {
      if (this.#take('->')) of = { kind: 'member', of, name: this.#name(), arrow: true };
      else if (this.#take('.')) of = { kind: 'member', of, name: this.#name(), arrow: false };
      else if (this.#take('[')) {
        const index = this.choice();
        this.#expect(']');
        of = { kind: 'index', of, index };
      } else return of;
    }
  }
  #primary(): Expr {
    const token = this.#tokens[this.#at];
    if (token === undefined) throw new DebugError(`'${this.#text}' ends where a value should be`);
    if (token.kind === 'name' && token.text === 'sizeof') {
      this.#at++;
      this.#expect('(');
      const type = this.#type();
      this.#expect(')');
      return { kind: 'sizeof', type };
    }
    if (this.#take('(')) {
      const inner = this.choice();
      this.#expect(')');
      return inner;
    }
    if (token.kind === 'op') throw new DebugError(`'${this.#text}': a value should be${this.#where()}`);
    this.#at++;
    if (token.kind === 'number') return { kind: 'number', value: token.value };
    return token.kind === 'string' ? { kind: 'string', value: token.text } : { kind: 'name', name: token.text };
  }
  #name(): string {
    const token = this.#tokens[this.#at];
    if (token?.kind !== 'name') throw new DebugError(`'${this.#text}': a member's name should be${this.#where()}`);
    this.#at++;
    return token.text;
  }
  /** Whether a type's name stands there: a keyword, or a name with stars and a closing parenthesis behind. */
  #isType(ahead: number): boolean {
    const word = this.#peek(ahead);
    if (word === undefined || this.#tokens[this.#at + ahead]?.kind !== 'name') return false;
    if (/^(struct|union|enum)$/.test(word) || BASE_TYPES.test(word)) return true;
    let n = ahead + 1;
    if (this.#peek(n) !== '*') return false;
    while (this.#peek(n) === '*') n++;
    return this.#peek(n) === ')';
  }
  #type(): TypeName {
    let word = this.#name();
    let kind: TypeName['kind'];
    if (word === 'struct' || word === 'union' || word === 'enum') {
      kind = word;
      word = this.#name();
    }
    while (kind === undefined && BASE_TYPES.test(word) && BASE_TYPES.test(this.#peek() ?? ''))
      word += ` ${this.#name()}`;
    let stars = 0;
    while (this.#take('*')) stars++;
    return { name: word, kind, stars };
  }
}
