/** A session as the Debug Adapter Protocol sees it: what is under way, what was told, and what references stand for. */
import type { DebugProtocol } from '@vscode/debugprotocol';
import { DebugPrompt, type Motion, type Refused, type Session, type Stop } from '../../debug/index.ts';
import { References } from './references.ts';

/** What a launch request says (docs/vscode/package.json describes it to the editor). */
export interface LaunchArguments extends DebugProtocol.LaunchRequestArguments {
  /** object file, or C source; or a file of a recorded session */
  readonly program?: string;
  /** an `strace -f` recording */
  readonly replay?: string;
  /** further options as the command line has them: `["--engine", "step"]` */
  readonly args?: readonly string[];
  /** true: stops at the first hit; false: runs on to a breakpoint; unset: stops there where there are no breakpoints */
  readonly stopOnEntry?: boolean;
}

/** What a launch opens. */
export interface Opened {
  /** or the way of a program that the verifier refused */
  readonly session: Session | Refused;
  /** file of the host that the object's line information means; undefined: there is none */
  sourcePath(file: string): string | undefined;
}
export type Open = (args: LaunchArguments) => Promise<Opened>;

/** Reasons of a stop by DAP's names, and what is said of it. */
const REASONS: Readonly<Record<Stop['reason'], readonly [reason: string, description: string]>> = {
  start: ['entry', 'the first hit of a program'],
  step: ['step', 'stepped'],
  breakpoint: ['breakpoint', 'at a breakpoint'],
  watchpoint: ['data breakpoint', 'what is watched changed'],
  station: ['step', 'at a station'],
  event: ['step', 'at a system call'],
  goto: ['goto', 'at the moment asked for'],
  interrupted: ['pause', 'paused'],
  end: ['pause', 'the recording ends here'],
  begin: ['pause', 'the recording begins here'],
};

export class Adapter {
  readonly session: Session;
  readonly sourcePath: Opened['sourcePath'];
  readonly prompt: DebugPrompt;
  /** breakpoints by what set them: a file, `function`, `instruction`, `data` */
  readonly points = new Map<string, readonly number[]>();
  references = new References();
  /** what the client calls the first line and column */
  readonly firstLine: number;
  readonly firstColumn: number;
  readonly #send: (event: string, body: object) => void;
  #interrupt = new AbortController();
  /** the motion under way, and what it ends with */
  #moving: { readonly motion: Motion; readonly done: Promise<void> } | undefined;
  /** a motion that ends is not told of: it goes on soon */
  #isHeld = false;
  /** moment up to which lines of trace_pipe were written */
  #told = -1;

  constructor(
    session: Session,
    sourcePath: Opened['sourcePath'],
    firstLine: number,
    firstColumn: number,
    send: (event: string, body: object) => void,
  ) {
    this.sourcePath = sourcePath;
    this.firstLine = firstLine;
    this.firstColumn = firstColumn;
    this.session = session;
    this.#send = send;
    const interrupted = (): AbortSignal => this.#interrupt.signal;
    this.prompt = new DebugPrompt(this.session, {
      get signal() {
        return interrupted();
      },
    });
  }

  /** Begins a motion; its end is told by an event. */
  start(motion: Motion): void {
    if (this.#moving !== undefined) return;
    this.#interrupt = new AbortController();
    this.#moving = { motion, done: this.#run(motion) };
  }
  async #run(motion: Motion): Promise<void> {
    try {
      const stop = await this.session.move(motion, { signal: this.#interrupt.signal });
      this.#moving = undefined;
      if (!this.#isHeld || stop.reason !== 'interrupted') this.tellStop(stop);
    } catch (error) {
      this.#moving = undefined;
      this.output('stderr', `${(error as Error).message}\n`);
      this.tellStop(this.session.stop);
    }
  }
  /** Ends what is under way where it is. */
  pause(): void {
    this.#interrupt.abort();
  }
  /** Does something while nothing moves, and lets it move on. */
  async still<T>(act: () => T | Promise<T>): Promise<T> {
    const moving = this.#moving;
    if (moving === undefined) return act();
    this.#isHeld = true;
    try {
      this.pause();
      await moving.done;
      const wasInterrupted = this.session.stop.reason === 'interrupted';
      const result = await act();
      if (wasInterrupted) this.start(moving.motion);
      return result;
    } finally {
      this.#isHeld = false;
    }
  }
  /** Fulfilled when nothing is under way. */
  async settled(): Promise<void> {
    await this.#moving?.done;
  }

  /** Tells where it stands: what was written on the way first. */
  tellStop(stop: Stop): void {
    this.references = new References();
    this.tellOutput(stop);
    const [reason, description] = REASONS[stop.reason];
    const isFunction = stop.breakpoint?.at.kind === 'function' && reason === 'breakpoint';
    this.event('stopped', {
      reason: isFunction ? 'function breakpoint' : reason,
      description,
      threadId: threadId(stop.task.pid),
      allThreadsStopped: true,
      ...(stop.breakpoint === undefined ? {} : { hitBreakpointIds: [stop.breakpoint.id], text: stop.breakpoint.text }),
    });
  }
  /** What log points and programs wrote up to here, once. */
  tellOutput(stop: Stop): void {
    for (const line of stop.logged) this.output('console', `${line}\n`);
    for (const { count, text } of this.session.lines) if (count > this.#told) this.output('stdout', `${text}\n`);
    this.#told = Math.max(this.#told, stop.count);
  }
  output(category: 'console' | 'stdout' | 'stderr' | 'important', output: string): void {
    this.event('output', { category, output });
  }
  event(event: string, body: object = {}): void {
    this.#send(event, body);
  }
}

/** Threads are tasks; some clients take thread 0 for none, so the idle task is one that no pid can be (PID_MAX_LIMIT). */
export const threadId = (pid: number): number => (pid === 0 ? 4 << 20 : pid);
