/** The terminal interface: docs/debugger.md tells of it. */
export { openTui } from './open.ts';
export { paintLine, terminalOf } from './palette.ts';
export { runInTerminal } from './terminal.ts';
