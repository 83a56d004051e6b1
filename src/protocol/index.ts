/** Protocols that other debuggers speak, over a session of `src/debug`. */

export type { LaunchArguments, Open, Opened } from './dap/adapter.ts';
export { serveDap } from './dap/server.ts';
export { type Listening, listenForGdb, serveGdb } from './gdb/listen.ts';
