/** A program that the verifier refused, as an editor debugs it: the log's instructions are the steps, what decided the stops. */
import { basename } from 'node:path';
import type { DebugProtocol } from '@vscode/debugprotocol';
import { DebugError, type Refused, RefusedPrompt } from '../../debug/index.ts';
import type { Opened } from './adapter.ts';

/** There is one thread, the verifier; one frame, the instruction; one scope, what is known in front of it. */
const THREAD = 1;
const STATE = 1;

export class RefusedAdapter {
  readonly #refused: Refused;
  readonly #sourcePath: Opened['sourcePath'];
  readonly #firstLine: number;
  readonly #send: (event: string, body: object) => void;
  readonly #prompt: RefusedPrompt;

  constructor(
    refused: Refused,
    sourcePath: Opened['sourcePath'],
    firstLine: number,
    send: (event: string, body: object) => void,
  ) {
    this.#refused = refused;
    this.#sourcePath = sourcePath;
    this.#firstLine = firstLine;
    this.#send = send;
    this.#prompt = new RefusedPrompt(refused);
  }

  /** Stops at the refused instruction. */
  begin(): void {
    const { text, program, message, meaning } = this.#refused;
    this.#send('output', { category: 'stderr', output: `${text.trimEnd()}\n` });
    const means = meaning ? `\n${meaning}` : '';
    this.#send('output', { category: 'important', output: `the verifier refused ${program}: ${message}${means}\n` });
    this.#stopped('exception', message);
  }
  #stopped(reason: string, text: string): void {
    const description = reason === 'exception' ? 'refused by the verifier' : undefined;
    this.#send('stopped', { reason, description, text, threadId: THREAD, allThreadsStopped: true });
  }

  /** A request's body. @throws DebugError for what there is no such thing of */
  // biome-ignore lint/suspicious/noExplicitAny: each case names the type of its own arguments
  async handle(command: string, args: any): Promise<object | undefined> {
    const refused = this.#refused;
    switch (command) {
      case 'setBreakpoints':
      case 'setFunctionBreakpoints':
      case 'setInstructionBreakpoints':
      case 'setDataBreakpoints':
        return { breakpoints: unverified(args) };
      case 'setExceptionBreakpoints':
        return { breakpoints: [] };
      case 'threads':
        return { threads: [{ id: THREAD, name: `verifier of ${refused.program}` }] };
      case 'stackTrace':
        return { stackFrames: this.#frames(), totalFrames: 1 };
      case 'scopes':
        return { scopes: [{ name: 'Verifier', variablesReference: STATE, expensive: false }] };
      case 'variables':
        return {
          variables: [...refused.state].map(([name, value]) => ({
            name,
            value,
            evaluateName: name,
            variablesReference: 0,
          })),
        };
      case 'evaluate': {
        const { expression } = args as DebugProtocol.EvaluateArguments;
        const commandLine = /^(?:`|-exec\s+)([\s\S]+)$/.exec(expression.trim())?.[1];
        const result = await this.#prompt.run(commandLine ?? `print ${expression}`);
        if (commandLine !== undefined) this.#stopped('step', '');
        return { result, variablesReference: 0 };
      }
      case 'next':
      case 'stepIn':
      case 'stepOut':
        return this.#walk(refused.walk(1));
      case 'stepBack':
        return this.#walk(refused.walk(-1));
      case 'continue':
        return this.#walk(refused.walkChain(1));
      case 'reverseContinue':
        return this.#walk(refused.walkChain(-1));
      case 'restart':
        refused.walk(refused.log.steps.length);
        return this.#walk(true);
      case 'pause':
        return undefined;
      case 'loadedSources':
        return { sources: [] };
      case 'exceptionInfo':
        return {
          exceptionId: refused.message,
          description: refused.meaning ?? refused.message,
          breakMode: 'always',
          details: { message: refused.message, typeName: 'verifier', stackTrace: refused.text },
        };
      default:
        throw new DebugError(`${command}: the verifier refused ${refused.program}, so nothing runs`);
    }
  }

  #walk(moved: boolean): object {
    const { message, at, log } = this.#refused;
    const isLast = at === log.steps.length - 1;
    // the answer comes first
    queueMicrotask(() =>
      this.#stopped(isLast ? 'exception' : 'step', isLast ? message : moved ? '' : 'the log begins here'),
    );
    return { allThreadsContinued: true };
  }

  #frames(): DebugProtocol.StackFrame[] {
    const { step, source, program } = this.#refused;
    const name = step === undefined ? program : `${program}@${step.insn}  ${step.text}`;
    if (source === undefined) return [{ id: 0, name, line: 0, column: 0 }];
    const path = this.#sourcePath(source.file);
    return [
      {
        id: 0,
        name,
        line: source.line + this.#firstLine - 1,
        column: this.#firstLine,
        source: { name: basename(source.file), ...(path === undefined ? {} : { path }) },
      },
    ];
  }
}

/** What was asked for, as what stops nowhere. */
const unverified = (args: { readonly breakpoints?: readonly unknown[] }): DebugProtocol.Breakpoint[] =>
  (args.breakpoints ?? []).map(() => ({ verified: false, message: 'the verifier refused the program: it never runs' }));
