/**
 * Errors that a user can cause are of one family (`EmuError`, docs/errors.md). A class beside it never leaves the part
 * that throws it, and its comment says what becomes of it: `@internal becomes a warning`. A bare error is a defect.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root, sources } from './sources.ts';

/** Files with bare errors: a table lacks a row, or a caller of the model's own broke a rule. No input leads there. */
const DEFECTS = [
  'kernel-sim/bpf/engine/interp/ops.ts',
  'kernel-sim/bpf/engine/interp/slow.ts',
  'src/cli/package-root.ts',
  'src/isa/disasm.ts',
  'src/machine/exec/handlers.ts',
  'src/machine/exec/vector/handlers.ts',
  'src/machine/exec/loop/build.ts',
  'src/machine/exec/loop/loop.ts',
  'src/machine/exec/loop/operations.ts',
  'src/machine/paged-memory.ts',
  'src/verifier/access/ctx.ts',
  'src/x86/row.ts',
];

/** What does not follow the rule, one line each. */
export function strayErrors(): string[] {
  const stray: string[] = [];
  for (const path of [...sources('src'), ...sources('kernel-sim')]) {
    const file = path.replaceAll('\\', '/');
    if (file.startsWith('kernel-sim/data/make/')) continue;
    const text = readFileSync(join(root, path), 'utf8');
    for (const [, comment = '', name] of text.matchAll(
      /(\/\*\*(?:(?!\*\/)[\s\S])*\*\/\n)?(?:export )?class (\w+) extends Error\b/g,
    ))
      if (name !== 'EmuError' && !comment.includes('@internal'))
        stray.push(
          `${file}: ${name} extends Error; make it an EmuError with a code, or say \`@internal\` what becomes of it`,
        );
    if (/new (?:Type|Range)?Error\(/.test(text) && !DEFECTS.includes(file))
      stray.push(
        `${file}: a bare error; if input can lead there it is an EmuError, else list the file in test/lint/errors.ts`,
      );
  }
  return stray;
}
