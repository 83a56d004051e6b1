/**
 * What of the kernel the modelled paths can reach: functions that have a body here, and those that a body calls;
 * tracepoints that a body has a site of. Anything else is there to be attached to, and never hit. Read off the same
 * rows and hand-written text that the machine code is made of. Bodies count as reached: each is there for a path.
 */
import type { Addr } from '../../src/machine/addr.ts';
import { Assembler } from '../../src/x86/index.ts';
import type { Emit, EmitContext } from './assembly/context.ts';
import { LSM_HOOK } from './compile.ts';
import { parseFunction } from './language.ts';

export interface Reach {
  /** names of functions */
  readonly functions: ReadonlySet<string>;
  readonly events: ReadonlySet<string>;
}

/** `context`: the real one, whose addresses nothing here depends on; `base`: an address of text. */
export function reach(
  tables: Readonly<Record<string, string>>,
  assembly: Readonly<Record<string, Emit>>,
  context: EmitContext,
  base: Addr,
): Reach {
  const functions = new Set<string>();
  const events = new Set<string>();
  for (const [signature, text] of Object.entries(tables)) {
    const body = parseFunction(signature, text);
    functions.add(body.name);
    for (const s of body.statements) {
      if (s.kind === 'call') functions.add(s.target);
      else if (s.kind === 'trace') events.add(s.target);
      else if (s.kind === 'hook') functions.add(LSM_HOOK + s.target);
    }
  }
  const recording: EmitContext = {
    ...context,
    sym: (name) => {
      functions.add(name);
      return base;
    },
    data: () => base,
    site: (event) => void events.add(event),
  };
  for (const [name, emit] of Object.entries(assembly)) {
    functions.add(name);
    emit(new Assembler(base), recording);
  }
  return { functions, events };
}
