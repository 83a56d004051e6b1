/** Tasks of a nested pid namespace: the recording has the child's number there as the fork's result, and its own name for the child. */
import { expect, it } from 'vitest';
import { readStrace } from '../../../src/replay/index.ts';

const children = (text: string): unknown[] =>
  [...readStrace(text).trace.steps].flatMap((step) =>
    step.kind === 'call' && step.name === 'clone' ? [[step.pid, step.child]] : [],
  );
const FORK = 'clone(child_stack=NULL, flags=SIGCHLD)';
const INTO = 'clone(child_stack=NULL, flags=CLONE_NEWPID|SIGCHLD)';

it.each([
  [
    'who shows up next',
    [`500 ${INTO} = 501`, `501 ${FORK} = 2`, `501 ${FORK} = 3`, '502 getpid() = 2', '503 getpid() = 3'],
    [502, 503],
  ],
  [
    'unshare moves children alone',
    ['500 unshare(CLONE_NEWPID) = 0', `500 ${FORK} = 501`, `501 ${FORK} = 2`, '502 getpid() = 2'],
    [502],
  ],
  [
    '--pidns-translation tells',
    [`500 ${INTO} = 501`, `501 ${FORK} = 2 /* 507 in strace's PID NS */`, '503 getpid() = 9', '507 getpid() = 2'],
    [507],
  ],
] as const)('%s', (_, lines, expected) =>
  expect(children(`${lines.join('\n')}\n`)).toEqual([[500, undefined], ...expected.map((child) => [501, child])]),
);
