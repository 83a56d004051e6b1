/** Types as people ask for them: of an expression, or by name. */
import { Declarations } from '../../btf/index.ts';
import { DebugError } from '../error.ts';
import { evaluate, type Scope, typeNamed } from '../expr/evaluate.ts';
import { parseExpr } from '../expr/parse.ts';
import { resolved, type Type, target, typeName } from '../expr/value.ts';

/** @throws DebugError where it is neither an expression that has a value here, nor a type */
export function typeOf(scope: Scope, text: string): Type {
  if (text === '') throw new DebugError('which one? An expression, or a type');
  if (/^(struct|union|enum)\b/.test(text)) return named(scope, text);
  try {
    return evaluate(text, scope).type;
  } catch (error) {
    if (!(error instanceof DebugError)) throw error;
    try {
      return named(scope, text);
    } catch {
      throw error;
    }
  }
}

function named(scope: Scope, text: string): Type {
  const parsed = parseExpr(`sizeof(${text})`);
  if (parsed.kind !== 'sizeof') throw new DebugError(`'${text}' is no type`);
  return typeNamed(scope, parsed.type);
}

/** With its members, where it or what it points to has some. @throws DebugError */
export function definition(scope: Scope, text: string): string {
  let type = typeOf(scope, text);
  let stars = '';
  for (let to = target(type); to !== undefined; to = target(type)) {
    if (resolved(type)?.kind === 'array') break;
    type = to;
    stars += '*';
  }
  const t = resolved(type);
  const suffix = stars === '' ? '' : ` ${stars}`;
  if (type.kind !== 'btf' || t === undefined) return `${typeName(type)}${suffix}`;
  const c = new Declarations(type.btf);
  if (t.kind === 'struct' || t.kind === 'union') return `${c.composite(t, 0)}${suffix}`;
  if (t.kind === 'enum' || t.kind === 'enum64') return `${c.enumeration(t, 0)}${suffix}`;
  return `${typeName({ ...type, id: t.id })}${suffix}`;
}
