/** Requests of a running session by their commands: what each does, and what its answer's body is. */
import type { DebugProtocol } from '@vscode/debugprotocol';
import { DebugError, type Motion } from '../../debug/index.ts';
import type { Adapter } from './adapter.ts';
import { disassemble, read, write } from './memory.ts';
import { setDataBreakpoints, setFunctionBreakpoints, setInstructionBreakpoints, setLineBreakpoints } from './points.ts';
import { codeLines, fileOf, filesOf, sourceOf, textOf } from './sources.ts';
import { frameOf, framesOf, threadsOf } from './stack.ts';
import { expressionOf, scopesOf, variable, variablesOf } from './variables.ts';

/** Arguments are the client's: what is missing is met where it is used. */
// biome-ignore lint/suspicious/noExplicitAny: each row names the type of its own arguments
type Handler = (adapter: Adapter, args: any) => object | undefined | Promise<object | undefined>;

/** A step's unit: the client's disassembly steps by the instruction; where there is no C, there is only machine code. */
function step(kind: 'step' | 'next', back: boolean): Handler {
  return (adapter, args: DebugProtocol.NextArguments) => {
    const isInsn = args.granularity === 'instruction' || adapter.session.stop.place.source === undefined;
    return begin(adapter, { kind, back, unit: isInsn ? 'x86' : 'line' });
  };
}
function begin(adapter: Adapter, motion: Motion): object {
  adapter.start(motion);
  return { allThreadsContinued: true };
}

export const REQUESTS: Readonly<Record<string, Handler>> = {
  setBreakpoints: (a, args: DebugProtocol.SetBreakpointsArguments) => ({ breakpoints: setLineBreakpoints(a, args) }),
  setFunctionBreakpoints: (a, args: DebugProtocol.SetFunctionBreakpointsArguments) => ({
    breakpoints: setFunctionBreakpoints(a, args),
  }),
  setInstructionBreakpoints: (a, args: DebugProtocol.SetInstructionBreakpointsArguments) => ({
    breakpoints: setInstructionBreakpoints(a, args),
  }),
  dataBreakpointInfo: (a, args: DebugProtocol.DataBreakpointInfoArguments) => {
    try {
      const dataId =
        args.variablesReference === undefined ? args.name : expressionOf(a, args.variablesReference, args.name);
      const inMemory = a.session.value(dataId).address !== undefined;
      const accessTypes = inMemory ? ['write', 'read', 'readWrite'] : ['write'];
      return { dataId, description: dataId, accessTypes, canPersist: true };
    } catch (error) {
      if (!(error instanceof DebugError)) throw error;
      return { dataId: null, description: error.message };
    }
  },
  setDataBreakpoints: (a, args: DebugProtocol.SetDataBreakpointsArguments) => ({
    breakpoints: setDataBreakpoints(a, args),
  }),
  setExceptionBreakpoints: () => ({ breakpoints: [] }),
  breakpointLocations: (a, args: DebugProtocol.BreakpointLocationsArguments) => {
    const lines = codeLines(a, fileOf(a, args.source)).map((line) => line + a.firstLine - 1);
    return {
      breakpoints: lines
        .filter((line) => line >= args.line && line <= (args.endLine ?? args.line))
        .map((line) => ({ line })),
    };
  },

  threads: (a) => ({ threads: threadsOf(a) }),
  stackTrace: (a, args: DebugProtocol.StackTraceArguments) => {
    const all = framesOf(a, args);
    const from = args.startFrame ?? 0;
    return { stackFrames: all.slice(from, args.levels ? from + args.levels : undefined), totalFrames: all.length };
  },
  scopes: (a, args: DebugProtocol.ScopesArguments) => ({ scopes: scopesOf(a, frameOf(a, args.frameId)) }),
  variables: (a, args: DebugProtocol.VariablesArguments) => ({ variables: variablesOf(a, args) }),
  evaluate,
  setVariable: (a, args: DebugProtocol.SetVariableArguments) =>
    set(a, expressionOf(a, args.variablesReference, args.name), args.value),
  setExpression: (a, args: DebugProtocol.SetExpressionArguments) =>
    a.session.inFrame(frameOf(a, args.frameId) ?? 0, () => set(a, args.expression, args.value)),
  completions: (a, args: DebugProtocol.CompletionsArguments) => {
    const text = args.text.slice(0, Math.max(0, args.column - a.firstColumn));
    const [words, word] = a.prompt.complete(`print ${text}`);
    return { targets: words.slice(0, 200).map((label) => ({ label, length: word.length })) };
  },

  continue: (a) => begin(a, { kind: 'continue' }),
  reverseContinue: (a) => begin(a, { kind: 'continue', back: true }),
  next: step('next', false),
  stepIn: step('step', false),
  stepOut: (a) => begin(a, { kind: 'finish' }),
  stepBack: step('next', true),
  pause: (a) => {
    a.pause();
    return undefined;
  },
  restart: async (a) => {
    await a.settled();
    await a.session.move({ kind: 'start' });
    a.tellStop({ ...a.session.stop, reason: 'start' });
    return undefined;
  },

  disassemble: (a, args: DebugProtocol.DisassembleArguments) => ({ instructions: disassemble(a, args) }),
  readMemory: (a, args: DebugProtocol.ReadMemoryArguments) => read(a, args),
  writeMemory: (a, args: DebugProtocol.WriteMemoryArguments) => write(a, args),
  source: (a, args: DebugProtocol.SourceArguments) => ({
    content: textOf(a, args.source?.sourceReference || args.sourceReference),
    mimeType: 'text/x-c',
  }),
  loadedSources: (a) => ({ sources: filesOf(a).map((file) => sourceOf(a, file)) }),
  exceptionInfo: (a) => {
    const { oopses } = a.session;
    const last = oopses.at(-1);
    if (last === undefined) throw new DebugError('nothing faulted up to here');
    return { exceptionId: 'oops', description: last.split('\n')[0], breakMode: 'never', details: { stackTrace: last } };
  },
};

/** Commands that may come while the program runs. */
export const WHILE_MOVING: ReadonlySet<string> = new Set(['pause', 'threads']);

/** An expression; behind a ` or `-exec `, a command of the debugger's prompt. */
async function evaluate(a: Adapter, args: DebugProtocol.EvaluateArguments): Promise<object> {
  const command = /^(?:`|-exec\s+)([\s\S]+)$/.exec(args.expression.trim())?.[1];
  if (command === undefined) {
    const { value: result, ...rest } = a.session.inFrame(frameOf(a, args.frameId) ?? 0, () =>
      variable(a, '', a.session.value(args.expression), args.expression),
    );
    return { result, ...rest };
  }
  const { count } = a.session.stop;
  const result = await a.prompt.run(command);
  if (a.session.stop.count !== count) a.tellStop(a.session.stop);
  return { result, variablesReference: 0 };
}

function set(a: Adapter, expression: string, value: string): object {
  a.session.assign(expression, value);
  a.event('invalidated', { areas: ['variables'] });
  return variable(a, '', a.session.value(expression), expression);
}
