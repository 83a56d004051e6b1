/** Writes docs/errors.md from the table of codes: `npm run docs`. */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { ERROR_CODES } from '../../src/errors/index.ts';

export const errorsPath = fileURLToPath(new URL('../../docs/errors.md', import.meta.url));

export function errorsText(): string {
  const rows = Object.entries(ERROR_CODES).map(
    ([code, { thrown, meaning, hint }]) => `| \`${code}\` | \`${thrown}\` | ${meaning} | ${hint} |`,
  );
  return `# Errors

Whatever a user can cause is a typed error of one family: \`instanceof EmuError\` finds them all. Each has

| | |
| --- | --- |
| \`code\` | which kind; it stays the same from version to version, so programs decide by it |
| \`message\` | one line: where, and what is wrong |
| \`where\` | the file, command, program or argument that it is about, where there is one |
| \`hint\` | what to do next |
| \`cause\` | the error of the host or of a lower stage behind it, where there is one |

Errors that end an operation of the kernel (\`KernelError\`, and \`BpfError\`, \`ArgumentError\`, \`BootError\` and
\`NotModelledError\`, which are such errors too) have \`errno\` besides: the name that the system call fails with,
\`'EACCES'\`. \`BpfError\` has \`command\`, the verifier's \`log\`, and \`oops\` where a run ended in a fault.

\`\`\`ts
import { BpfError, EmuError } from 'ebpf-emu';

try {
  object.load(kernel, { logLevel: 2 });
} catch (error) {
  if (error instanceof BpfError && error.log !== '') console.error(error.errno, error.log);
  else if (error instanceof EmuError) console.error(\`\${error.code}: \${error.message} (\${error.hint})\`);
  else throw error; // a defect of ebpf-emu: please report it
}
\`\`\`

The command line prints the message and ends with 1; a command line that is itself wrong ends with 2. Any other
error is a defect of ebpf-emu, and says so.

## Codes

This table is written from \`src/errors/codes.ts\` by \`npm run docs\`.

| code | class | what it means | what to do |
| --- | --- | --- | --- |
${rows.join('\n')}
`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(errorsPath, errorsText());
