/** A program that the verifier refuses: its log as something to walk along, with what decided as stops. */
import { BpfError, Kernel } from '../../../kernel-sim/index.ts';
import { explainRejection } from '../../explain/index.ts';
import { BpfObject } from '../../object/index.ts';
import type { VerifierState, VerifierStep } from '../program/verifier-states.ts';
import { Session } from '../session/session.ts';
import type { SessionOptions } from '../session/types.ts';
import { type LogView, logView } from '../views/log.ts';

/** A C line that the log names: `*n += 1; @ rejected.c:20`. */
export interface LogSource {
  readonly text: string;
  readonly file: string;
  readonly line: number;
}

export class Refused {
  readonly options: SessionOptions;
  /** of the refused one */
  readonly program: string;
  /** the verifier's last words, and what they mean to the program's author */
  readonly message: string;
  readonly meaning: string | null | undefined;
  readonly text: string;
  readonly log: LogView;
  readonly error: BpfError;
  readonly kernel: Kernel;
  /** where it stands: index of a step of the log */
  at: number;

  constructor(options: SessionOptions, kernel: Kernel, program: string, error: BpfError) {
    this.options = options;
    this.kernel = kernel;
    this.program = program;
    this.error = error;
    this.text = error.log ?? '';
    const { message, meaning } = explainRejection(this.text);
    this.message = message;
    this.meaning = meaning;
    this.log = logView(this.text, false);
    this.at = Math.max(0, this.log.steps.length - 1);
  }

  get step(): VerifierStep | undefined {
    return this.log.steps[this.at];
  }
  get source(): LogSource | undefined {
    return sourceOf(this.step?.source);
  }
  /** What is known in front of the instruction. */
  get state(): VerifierState {
    return this.step?.before ?? new Map();
  }
  /** It decides: what the last words speak of came to be here. */
  get decides(): boolean {
    return this.log.chain.includes(this.at);
  }

  /** Along the log; false at its ends. */
  walk(by: number): boolean {
    const to = Math.max(0, Math.min(this.log.steps.length - 1, this.at + by));
    const moves = to !== this.at;
    this.at = to;
    return moves;
  }
  /** To the next instruction that decides, or the one before; false where there is none. */
  walkChain(by: 1 | -1): boolean {
    const to = alongChain(this.log, this.at, by);
    if (to === undefined) return false;
    this.at = to;
    return true;
  }
}

/** The next step of a log's chain from a step on, or the one before it. */
export function alongChain({ chain, steps }: LogView, at: number, by: 1 | -1): number | undefined {
  const stops = chain.length > 0 ? chain : steps.map((_, n) => n);
  return by > 0 ? stops.find((n) => n > at) : stops.findLast((n) => n < at);
}

export function sourceOf(text: string | undefined): LogSource | undefined {
  const m = /^(.*) @ (\S+):(\d+)$/.exec(text ?? '');
  return m === null ? undefined : { text: m[1] as string, file: m[2] as string, line: Number(m[3]) };
}

/** A session; or, where the verifier refuses a program, the way it went. @throws what opening and loading fails with otherwise */
export async function openOrRefused(options: SessionOptions): Promise<Session | Refused> {
  try {
    return await Session.open(options);
  } catch (error) {
    if (!(error instanceof BpfError) || !error.log) throw error;
    const kernel = await Kernel.boot(options.boot ?? {});
    return new Refused(options, kernel, refusedOf(kernel, options), error);
  }
}

/** The first program that is refused by itself. */
function refusedOf(kernel: Kernel, options: SessionOptions): string {
  const open = (): BpfObject => BpfObject.open(options.object, { name: options.name });
  const all = options.programs ?? open().programs.map((p) => p.name);
  for (const name of all) {
    try {
      open()
        .load(kernel, { programs: [name] })
        .close();
    } catch (error) {
      if (error instanceof BpfError) return name;
      throw error;
    }
  }
  return all[0] ?? '';
}
