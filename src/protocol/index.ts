/** Protocols that other debuggers speak, over a session of `src/debug`. */

export type { LaunchArguments, Open, Opened } from './dap/adapter.ts';
export { serveDap } from './dap/server.ts';
export type { Answering } from './gdb/connection.ts';
export { type Listening, listenForGdb, serveGdb } from './gdb/listen.ts';
export { RefusalStub } from './gdb/refusal.ts';
export { GdbStub } from './gdb/stub.ts';
