/** The verifier's log of a program that runs into a CO-RE relocation which could not be met, as libbpf passes it on. */
import type { CoreDecision } from './resolve.ts';

const POISONED = /^(\d+): \(85\) call unknown#195896080.*\ninvalid func unknown#195896080$/m;

/** fixup_log_failed_core_relo(): the poisoned call, named by what it stands for. */
export function nameFailedCore(log: string, decisionAt: (insn: number) => CoreDecision | undefined): string {
  return log.replace(POISONED, (both, insn) => {
    const decision = decisionAt(Number(insn));
    return decision ? `${insn}: <invalid CO-RE relocation>\nfailed to resolve CO-RE relocation ${decision.spec}` : both;
  });
}
