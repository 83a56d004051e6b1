/** Scopes and variables: registers of BPF and x86, locals, globals, maps, the task, what the verifier knew. */
import type { DebugProtocol } from '@vscode/debugprotocol';
import {
  childCount,
  childrenOf,
  DebugError,
  mapElements,
  mapsView,
  registersView,
  type Value,
  verifierView,
} from '../../debug/index.ts';
import type { Adapter } from './adapter.ts';
import type { Container } from './references.ts';

type Variable = DebugProtocol.Variable;

/** Scopes of a frame by its depth: of those that called, variables and what belongs to no frame; undefined: only that. */
export function scopesOf({ session, references }: Adapter, frame: number | undefined): DebugProtocol.Scope[] {
  const scope = (
    name: string,
    of: Extract<Container, { kind: 'scope' }>['name'],
    more: Partial<DebugProtocol.Scope> = {},
  ): DebugProtocol.Scope => ({
    name,
    variablesReference: references.add({ kind: 'scope', name: of, frame: frame ?? 0 }),
    expensive: false,
    ...more,
  });
  const registers = { presentationHint: 'registers' } as const;
  const isInnermost = frame === 0;
  const isProgram = frame !== undefined && session.frames[frame]?.place.program !== undefined;
  const inImage = isInnermost && isProgram;
  return [
    ...(isProgram ? [scope('Locals', 'locals', { presentationHint: 'locals' })] : []),
    ...(inImage ? [scope('BPF registers', 'bpf', registers)] : []),
    ...(isInnermost ? [scope('x86 registers', 'x86', registers)] : []),
    ...(inImage ? [scope('Verifier', 'verifier')] : []),
    ...(Object.keys(session.loaded.maps).length > 0 ? [scope('Maps', 'maps')] : []),
    scope('Globals', 'globals'),
    scope('Task', 'task'),
  ];
}

/** What a reference opens to. */
export function variablesOf(adapter: Adapter, args: DebugProtocol.VariablesArguments): Variable[] {
  const container = adapter.references.get(args.variablesReference);
  if (container === undefined) throw new DebugError('what this stood for is gone: the session has moved on');
  switch (container.kind) {
    case 'scope':
      return container.frame === 0
        ? inScope(adapter, container.name)
        : adapter.session.inFrame(container.frame, () => inScope(adapter, container.name));
    case 'map':
      return mapElements(adapter.session, container.map, args.start ?? 0, args.count || undefined).map((e) =>
        variable(adapter, `[${e.key}]`, e.value, e.expression),
      );
    case 'value': {
      const { value, expression } = container;
      const children = childrenOf(adapter.session.scope, value, expression, args.start ?? 0, args.count || undefined);
      return children.map((c) => variable(adapter, c.name, c.value, c.expression));
    }
  }
}

function inScope(adapter: Adapter, name: Extract<Container, { kind: 'scope' }>['name']): Variable[] {
  const { session } = adapter;
  switch (name) {
    case 'locals':
      return session.locals
        .list()
        .map((local) =>
          local.value === undefined
            ? { name: local.name, type: local.typeName, value: `<${local.why}>`, variablesReference: 0 }
            : variable(adapter, local.name, local.value, local.name),
        );
    case 'bpf':
      return (registersView(session).bpf ?? []).map((r) => register(r, r.name));
    case 'x86': {
      const { x86, rip, flags } = registersView(session);
      return [
        ...[...x86, rip].map((r) => register(r, `$${r.name}`)),
        { name: 'eflags', value: flags, evaluateName: '$eflags', variablesReference: 0 },
      ];
    }
    case 'maps':
      return mapsView(session).map((m) => ({
        name: m.name,
        type: m.type,
        value: `${m.type}, ${m.more ? 'more than ' : ''}${m.entries.length} of ${m.maxEntries}${m.note === undefined ? '' : ` (${m.note})`}`,
        evaluateName: m.name,
        variablesReference: adapter.references.add({ kind: 'map', map: m.name }),
        indexedVariables: m.entries.length,
      }));
    case 'globals':
      return session.scope.globals.map((g) => variable(adapter, g, session.value(g), g));
    case 'task':
      return ['task', 'pid', 'tgid', 'comm', 'cpu', 'time', 'count', 'calls'].map((n) =>
        variable(adapter, n, session.value(n), n),
      );
    case 'verifier':
      return (verifierView(session)?.rows ?? []).map((row) => ({
        name: row.name,
        value: `${row.states.join(' | ')}${row.allowed === false ? `  ✗ is ${row.value}` : row.allowed === true ? '  ✓' : ''}`,
        variablesReference: 0,
        presentationHint: { attributes: ['readOnly'] },
      }));
  }
}

const register = (
  r: { readonly name: string; readonly hex: string; readonly follow: string | undefined },
  evaluateName: string,
): Variable => ({
  name: r.name,
  value: `0x${r.hex}${r.follow === undefined ? '' : ` → ${r.follow}`}`,
  evaluateName,
  memoryReference: `0x${r.hex}`,
  variablesReference: 0,
});

/** A value with what it opens to. */
export function variable(adapter: Adapter, name: string, value: Value, expression: string | undefined): Variable {
  const { session, references } = adapter;
  const { text, typeName, bits } = session.show(value);
  const count = childCount(value);
  const address = value.address ?? (count === undefined || bits === 0n ? undefined : bits);
  return {
    name,
    value: text,
    type: typeName,
    ...(expression === undefined ? {} : { evaluateName: expression }),
    ...(address === undefined ? {} : { memoryReference: `0x${BigInt.asUintN(64, BigInt(address)).toString(16)}` }),
    variablesReference: count === undefined ? 0 : references.add({ kind: 'value', value, expression }),
    ...(count?.indexed === undefined ? {} : { indexedVariables: count.indexed }),
    ...(count?.named === undefined ? {} : { namedVariables: count.named }),
  };
}

/** C for a variable of a container, to set or watch it. */
export function expressionOf(adapter: Adapter, reference: number, name: string): string {
  const found = variablesOf(adapter, { variablesReference: reference }).find((v) => v.name === name)?.evaluateName;
  if (found === undefined) throw new DebugError(`${name} cannot be told by an expression`);
  return found;
}
