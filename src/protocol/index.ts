/** Protocols that other debuggers speak, over a session of `src/debug`. */
export { type Listening, listenForGdb, serveGdb } from './gdb/listen.ts';
