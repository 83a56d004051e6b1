/**
 * The Debug Adapter Protocol (microsoft.github.io/debug-adapter-protocol, version 1.68) over two streams: requests in,
 * answers and events out.
 */
import type { Readable, Writable } from 'node:stream';
import type { DebugProtocol } from '@vscode/debugprotocol';
import { Refused } from '../../debug/index.ts';
import { EmuError } from '../../errors/index.ts';
import { Adapter, type LaunchArguments, type Open } from './adapter.ts';
import { RefusedAdapter } from './refused.ts';
import { REQUESTS, WHILE_MOVING } from './requests.ts';
import { encodeMessage, MessageReader } from './wire.ts';

const CAPABILITIES: DebugProtocol.Capabilities = {
  supportsConfigurationDoneRequest: true,
  supportsFunctionBreakpoints: true,
  supportsConditionalBreakpoints: true,
  supportsHitConditionalBreakpoints: true,
  supportsLogPoints: true,
  supportsInstructionBreakpoints: true,
  supportsDataBreakpoints: true,
  supportsBreakpointLocationsRequest: true,
  supportsEvaluateForHovers: true,
  supportsSetVariable: true,
  supportsSetExpression: true,
  supportsCompletionsRequest: true,
  supportsStepBack: true,
  supportsSteppingGranularity: true,
  supportsDisassembleRequest: true,
  supportsReadMemoryRequest: true,
  supportsWriteMemoryRequest: true,
  supportsLoadedSourcesRequest: true,
  supportsExceptionInfoRequest: true,
  supportsDelayedStackTraceLoading: true,
  supportsTerminateRequest: true,
  supportsRestartRequest: true,
};

export class DapServer {
  readonly #open: Open;
  readonly #write: (bytes: Buffer) => void;
  readonly #gone: () => void;
  #adapter: Adapter | RefusedAdapter | undefined;
  #launch: LaunchArguments = {};
  #firstLine = 1;
  #firstColumn = 1;
  #seq = 1;
  #work: Promise<void> = Promise.resolve();

  /** `gone` is called when the client has ended the session */
  constructor(open: Open, write: (bytes: Buffer) => void, gone: () => void) {
    this.#open = open;
    this.#write = write;
    this.#gone = gone;
  }

  /** A message of the client's: one after the other, but for those that end what is under way. */
  take(message: unknown): void {
    const request = message as DebugProtocol.Request;
    if (request?.type !== 'request' || typeof request.command !== 'string') return;
    if (WHILE_MOVING.has(request.command)) {
      void this.#answer(request);
      return;
    }
    if (/^(disconnect|terminate)$/.test(request.command) && this.#adapter instanceof Adapter) this.#adapter.pause();
    this.#work = this.#work.then(() => this.#answer(request));
  }

  async #answer(request: DebugProtocol.Request): Promise<void> {
    const reply = { type: 'response', request_seq: request.seq, command: request.command };
    try {
      const { body, after } = await this.#handle(request);
      this.#send({ ...reply, success: true, ...(body === undefined ? {} : { body }) });
      await after?.();
    } catch (error) {
      // words of `args` that are no options are commander's to refuse
      const isTyped = error instanceof EmuError || (error as { code?: string }).code?.startsWith('commander.') === true;
      const text = isTyped ? (error as Error).message : `a defect of ebpf-emu: ${(error as Error).stack ?? error}`;
      this.#send({
        ...reply,
        success: false,
        message: text,
        body: { error: { id: 1, format: '{text}', variables: { text }, showUser: true } },
      });
    }
  }

  /** The answer's body, and what follows it. */
  async #handle(
    request: DebugProtocol.Request,
  ): Promise<{ readonly body?: object | undefined; readonly after?: () => void | Promise<void> }> {
    const args = request.arguments ?? {};
    switch (request.command) {
      case 'initialize':
        this.#firstLine = args.linesStartAt1 === false ? 0 : 1;
        this.#firstColumn = args.columnsStartAt1 === false ? 0 : 1;
        return { body: CAPABILITIES };
      case 'launch':
        return this.#launched(args);
      case 'attach':
        throw new EmuError('ERR_USAGE', 'there is nothing to attach to: launch names an object file');
      case 'configurationDone':
        return { after: () => this.#configured() };
      case 'disconnect':
      case 'terminate':
        return { after: () => this.#ended(request.command === 'terminate') };
    }
    const handler = REQUESTS[request.command];
    if (handler === undefined) throw new EmuError('ERR_USAGE', `'${request.command}' is no request that is known here`);
    const adapter = this.#adapter;
    if (adapter === undefined) throw new EmuError('ERR_USAGE', `${request.command}: nothing was launched`);
    if (adapter instanceof RefusedAdapter) return { body: await adapter.handle(request.command, args) };
    if (WHILE_MOVING.has(request.command)) return { body: await handler(adapter, args) };
    return { body: await adapter.still(() => handler(adapter, args)) };
  }

  async #launched(args: LaunchArguments): Promise<{ readonly after: () => void }> {
    if (this.#adapter !== undefined) throw new EmuError('ERR_USAGE', 'a session is open already');
    this.#launch = args;
    const { session, sourcePath } = await this.#open(args);
    const tell = (event: string, body: object): void => this.#send({ type: 'event', event, body });
    this.#adapter =
      session instanceof Refused
        ? new RefusedAdapter(session, sourcePath, this.#firstLine, tell)
        : new Adapter(session, sourcePath, this.#firstLine, this.#firstColumn, tell);
    return { after: () => this.#send({ type: 'event', event: 'initialized' }) };
  }

  /** All breakpoints are known. */
  async #configured(): Promise<void> {
    const adapter = this.#adapter;
    if (adapter === undefined) return;
    if (adapter instanceof RefusedAdapter) {
      adapter.begin();
      return;
    }
    const { session } = adapter;
    const stays = this.#launch.stopOnEntry ?? session.breakpoints.list.length === 0;
    if (this.#launch.noDebug === true) {
      await session.move({ kind: 'end' });
      adapter.tellOutput(session.stop);
      this.#send({ type: 'event', event: 'terminated' });
    } else if (stays) adapter.tellStop(session.stop);
    else {
      await session.move({ kind: 'goto', count: 0 });
      adapter.start({ kind: 'continue' });
    }
  }

  async #ended(tell: boolean): Promise<void> {
    if (this.#adapter instanceof Adapter) {
      await this.#adapter.settled();
      this.#adapter.session.close();
    }
    this.#adapter = undefined;
    if (tell) this.#send({ type: 'event', event: 'terminated' });
    else this.#gone();
  }

  #send(message: object): void {
    this.#write(encodeMessage({ seq: this.#seq++, ...message }));
  }
}

/** Serves one client to its end. */
export function serveDap(open: Open, input: Readable, output: Writable): Promise<void> {
  return new Promise<void>((resolve, reject) => {
    const reader = new MessageReader();
    const server = new DapServer(open, (bytes) => void output.write(bytes), resolve);
    input.on('data', (chunk: Buffer) => {
      try {
        for (const message of reader.take(chunk)) server.take(message);
      } catch (error) {
        reject(error instanceof SyntaxError ? new EmuError('ERR_USAGE', `dap: ${error.message}`) : error);
      }
    });
    input.on('end', resolve);
    input.on('error', reject);
  });
}
