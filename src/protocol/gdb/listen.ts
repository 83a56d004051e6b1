/** Where gdb comes in: a TCP port, or standard input and output (`target remote | ebpf-emu debug --gdb - prog.o`). */
import { createServer } from 'node:net';
import type { Readable, Writable } from 'node:stream';
import { type Answering, GdbConnection } from './connection.ts';

export interface Listening {
  /** where it listens: `127.0.0.1:1234` */
  readonly address: string;
  /** fulfilled when gdb has gone */
  readonly done: Promise<void>;
}

/** One gdb; when it has gone, that is the end. Rejects where the port cannot be had. */
export async function listenForGdb(stub: Answering, host: string, port: number): Promise<Listening> {
  const server = createServer();
  const done = new Promise<void>((resolve, reject) => {
    server.once('connection', (socket) => {
      // another one is refused
      server.close();
      socket.setNoDelay(true);
      serveGdb(stub, socket, socket).then(resolve, reject);
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
  const bound = server.address();
  const at = typeof bound === 'object' && bound !== null ? bound.port : port;
  return { address: `${host.includes(':') ? `[${host}]` : host}:${at}`, done };
}

/** Serves one gdb to its end. */
export function serveGdb(stub: Answering, input: Readable, output: Writable): Promise<void> {
  return new Promise<void>((resolve, reject) => {
    const connection = new GdbConnection(
      stub,
      { write: (bytes) => void output.write(Buffer.from(bytes, 'latin1')), end: () => void output.end(resolve) },
      reject,
    );
    const gone = (): void => {
      stub.interrupt();
      resolve();
    };
    input.on('data', (chunk: Buffer) => connection.take(chunk.toString('latin1')));
    input.on('end', gone);
    input.on('close', gone);
    // a gdb that was killed: as one that has gone
    input.on('error', gone);
  });
}
