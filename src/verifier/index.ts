/** The verifier of Linux 6.12 (kernel/bpf/verifier.c, bpf_check()): analysis and log. */

import { BtfError } from '../btf/index.ts';
import { host } from '../platform/index.ts';
import { BPF_LOG_STATS } from '../uapi/index.ts';
import { Env } from './env/env.ts';
import { Reject } from './env/reject.ts';
import { checkAttach } from './prep/attach.ts';
import { checkBtfInfo, checkFuncRecords } from './prep/btfinfo.ts';
import { checkCfg } from './prep/cfg.ts';
import { markFastcalls } from './prep/fastcall.ts';
import { resolveWideLoads } from './prep/ldimm64.ts';
import { checkJumps, discoverSubprogs, findExceptionCallback, printSubprogs } from './prep/subprogs.ts';
import type { Draft } from './rewrite/draft.ts';
import { draftOf, RewriteError, type RewriteOptions, type Rewritten, rewriteDraft } from './rewrite/index.ts';
import type { Checked, Verified, VerifierInput, VerifyResult } from './types.ts';
import { walkProgram } from './walk/program.ts';
import { result, takeFastcalls } from './walk/result.ts';
import { checkStackDepth } from './walk/stackdepth.ts';

export * from './kernel.ts';
export * from './rewrite/index.ts';
export * from './types.ts';

function analyse(env: Env): number {
  checkFuncRecords(env);
  discoverSubprogs(env);
  findExceptionCallback(env);
  printSubprogs(env);
  checkJumps(env);
  checkBtfInfo(env);
  resolveWideLoads(env);
  checkCfg(env);
  checkAttach(env);
  markFastcalls(env);
  walkProgram(env);
  takeFastcalls(env);
  return checkStackDepth(env);
}

/** @param functions those of the program as it is: rewrites remove some, add some, and deepen the stack of some */
function printStats(env: Env, started: number, functions: readonly { readonly stackDepth: number }[]): void {
  const { level } = env.log;
  if (level & BPF_LOG_STATS) {
    env.say(`verification time ${Math.round((host.now() - started) * 1000)} usec`);
    env.say(`stack depth ${functions.map((s) => s.stackDepth).join('+')}`);
  }
  env.say(
    `processed ${env.insnProcessed} insns (limit ${env.maxInsns}) max_states_per_insn ${env.maxStatesPerInsn} ` +
      `total_states ${env.totalStates} peak_states ${env.peakStates} mark_read ${env.longestMarkRead}`,
  );
}

/** Runs a part of the check. What it refuses ends in the log; the errno comes back. */
function judged(env: Env, part: () => void): string | undefined {
  try {
    part();
    return undefined;
  } catch (e) {
    if (e instanceof Reject) return e.errno;
    if (e instanceof BtfError) {
      env.say(e.message);
      return 'EINVAL';
    }
    if (!(e instanceof RewriteError)) throw e;
    if (e.message) env.say(e.message);
    return e.errno;
  }
}

/** bytes of a log's end in which the line that decides is looked for: a line, what Linux says behind it, statistics */
const TAIL = 1 << 14;

/** The whole check, rewrites included where they are wanted. */
function check<T>(input: VerifierInput, options: RewriteOptions, rewritten: (draft: Draft) => T): Checked<T> {
  // not `performance`: node loads that when it is first touched, which takes longer than most programs
  const started = host.now();
  const env = new Env(input);
  let draft: Draft | undefined;
  let outcome: { program: Verified; rewritten: T } | undefined;
  let errno = judged(env, () => {
    const program = result(env, analyse(env));
    draft = draftOf(program, input, options);
    outcome = { program, rewritten: rewritten(draft) };
  });
  printStats(env, started, draft?.subprogs ?? env.subprogs);
  if (input.logSize !== undefined && env.log.overflowed) errno = 'ENOSPC';
  const { longest } = env.log;
  if (errno === undefined && outcome) return { ok: true, log: env.log.take(), longest, ...outcome };
  const tail = env.log.tail(TAIL);
  return { ok: false, log: env.log.take(), tail, longest, errno: errno ?? 'EINVAL' };
}

/**
 * Walks every path of a program, as BPF_PROG_LOAD does.
 *
 * A program that Linux refuses gives `ok: false` with the errno's name and the log; nothing that a
 * program contains throws.
 */
export function verify(input: VerifierInput): VerifyResult {
  return check(input, {}, () => undefined);
}

/** {@link verify}, and then what the kernel makes of the program (bpf_check()): what it cannot make is refused, too. */
export const checkProgram = (input: VerifierInput, options: RewriteOptions = {}): Checked<Rewritten> =>
  check(input, options, (draft) => rewriteDraft(draft, options));
