/** Drives a replay to its end, with turns for the host's event loop in between. */

import type { Schema } from '../../src/errors/argument.ts';
import * as is from '../../src/errors/checks.ts';
import { host } from '../../src/platform/index.ts';
import type { Replay, ReplayResult } from './replay.ts';

/** instructions between two looks at the host's event loop */
const SLICE = 3_000_000;

export interface Moment {
  /** counted as {@link ReplayResult.insns} */
  readonly insns: number;
  readonly act: () => void;
}

export interface ReplayOptions {
  /** stops the replay at the next slice */
  readonly signal?: AbortSignal;
  /** told after each slice, some dozen times a second */
  readonly onProgress?: (progress: { readonly calls: number; readonly insns: number }) => void;
  /** no more instructions than this, counted as {@link ReplayResult.insns}; the replay then ends with {@link ReplayResult.stopped} */
  readonly maxInsns?: number;
  /** what is done from outside when so many instructions were executed, in ascending order */
  readonly moments?: readonly Moment[];
}

/** Of `kernel.replay`. */
export const REPLAY_OPTIONS: Schema<ReplayOptions> = {
  signal: is.object,
  onProgress: is.callback,
  maxInsns: is.count,
  moments: is.listOf(is.object),
};

export async function drive(
  replay: Replay,
  { signal, onProgress, moments = [] }: ReplayOptions,
): Promise<ReplayResult> {
  const abort = whenAborted(signal);
  let passed = 0;
  try {
    for (;;) {
      const moment = moments[passed]?.insns ?? Number.POSITIVE_INFINITY;
      const { reason } = replay.step(Math.min(SLICE, moment - replay.insns));
      while ((moments[passed]?.insns ?? Number.POSITIVE_INFINITY) <= replay.insns) moments[passed++]?.act();
      if (reason === 'end') break;
      onProgress?.({ calls: replay.calls, insns: replay.insns });
      if (reason === 'wait') await Promise.race([replay.ready(), abort.happened]);
      else await host.turn();
      if (signal?.aborted) replay.stop('aborted');
    }
  } catch (error) {
    replay.finish();
    throw error;
  } finally {
    abort.forget();
  }
  return replay.finish();
}

/** One listener for the whole of a replay, however often it waits. */
function whenAborted(signal: AbortSignal | undefined): { readonly happened: Promise<void>; forget(): void } {
  let tell: () => void = () => undefined;
  const happened = new Promise<void>((resolve) => {
    tell = resolve;
  });
  if (signal?.aborted) tell();
  else signal?.addEventListener('abort', tell, { once: true });
  return { happened, forget: () => signal?.removeEventListener('abort', tell) };
}
