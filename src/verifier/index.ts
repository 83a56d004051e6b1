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
import type { VerifierInput, VerifyResult } from './types.ts';
import { walkProgram } from './walk/program.ts';
import { result, takeFastcalls } from './walk/result.ts';
import { checkStackDepth } from './walk/stackdepth.ts';

export { NotModelledError } from '../errors/index.ts';
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

function printStats(env: Env, started: number): void {
  const { level } = env.log;
  if (level & BPF_LOG_STATS) {
    env.say(`verification time ${Math.round((host.now() - started) * 1000)} usec`);
    env.say(`stack depth ${env.subprogs.map((s) => s.stackDepth).join('+')}`);
  }
  env.say(
    `processed ${env.insnProcessed} insns (limit 1000000) max_states_per_insn ${env.maxStatesPerInsn} ` +
      `total_states ${env.totalStates} peak_states ${env.peakStates} mark_read ${env.longestMarkRead}`,
  );
}

/**
 * Walks every path of a program, as BPF_PROG_LOAD does.
 *
 * A program that Linux refuses gives `ok: false` with the errno's name and the log; nothing that a
 * program contains throws.
 */
export function verify(input: VerifierInput): VerifyResult {
  const started = host.now();
  const env = new Env(input);
  let errno: string | undefined;
  let depth = 0;
  try {
    depth = analyse(env);
  } catch (e) {
    if (e instanceof BtfError) env.say(e.message);
    else if (!(e instanceof Reject)) throw e;
    errno = e instanceof Reject ? e.errno : 'EINVAL';
  }
  printStats(env, started);
  const log = env.log.text;
  if (input.logSize !== undefined && env.log.overflowed) errno = 'ENOSPC';
  return errno === undefined ? { ok: true, log, program: result(env, depth) } : { ok: false, log, errno };
}
