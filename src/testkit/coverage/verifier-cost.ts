/** What the lines of a program cost the verifier: how often it processed their instructions. That makes a program too large. */
import type { VerifierWalk } from '../../../kernel-sim/bpf/objects/state.ts';
import type { Kernel } from '../../../kernel-sim/index.ts';
import { rowsOf } from './source.ts';

export interface VerifierLineCost {
  readonly program: string;
  readonly file: string;
  readonly line: number;
  readonly text: string;
  /** instructions of the line as loaded */
  readonly insns: number;
  /** instructions processed, those of the log's last line */
  readonly processed: number;
}

/** Costs of the programs that are loaded from now on; what this gives ends that. */
export function watchVerifier(kernel: Kernel, told: (costs: readonly VerifierLineCost[]) => void): () => void {
  return kernel.bpf.state.walked.add((walk) => told(costsOf(walk)));
}

function costsOf({ name, visits, btf, lineInfo }: VerifierWalk): VerifierLineCost[] {
  const rows = btf
    ? rowsOf(btf, lineInfo, visits.length, () => name)
    : [{ file: '', line: 0, text: '', start: 0, end: visits.length }];
  const lines = new Map<string, VerifierLineCost>();
  for (const { file, line, text, start, end } of rows) {
    const key = `${file}:${line}`;
    const { insns, processed } = lines.get(key) ?? { insns: 0, processed: 0 };
    const own = visits.subarray(start, end).reduce((sum, n) => sum + n, 0);
    lines.set(key, { program: name, file, line, text, insns: insns + end - start, processed: processed + own });
  }
  return [...lines.values()];
}

/** A row a line that the verifier came to, in the order of the program; `*` marks the dearest. */
export function verifierCostText(costs: readonly VerifierLineCost[]): string {
  const all = costs.reduce((sum, cost) => sum + cost.processed, 0);
  const most = costs.reduce((top, cost) => Math.max(top, cost.processed), 0);
  const rows = costs.map(({ file, line, text, insns, processed }) => {
    const share = all === 0 ? '0.0' : ((100 * processed) / all).toFixed(1);
    const where = line === 0 ? '' : `${file}:${line}`;
    const mark = processed === most && processed > 0 ? '*' : ' ';
    return `${mark}${String(processed).padStart(9)}  ${share.padStart(5)}  ${String(insns).padStart(5)}  ${where}  ${text}`.trimEnd();
  });
  return `${[' processed      %  insns  line', ...rows].join('\n')}\n`;
}
