/** Results of the suites that compare with Linux, a real CPU or another tool: [what, against, result, test]. */
export const heldAgainst: readonly (readonly [string, string, string, string])[] = [
  ['machine code of programs', 'images of Linux 6.12.117', '1560 identical of 1560', '`test/jit/conformance.test.ts`'],
];
