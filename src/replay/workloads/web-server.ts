/** A web server with four workers: connections are accepted, files are read and sent; some are not there, some are slow. */

import { ERRNO } from '../../errors/errno.ts';
import { type Act, actor, type Cast, Chance, call, data, exit, open, POINTER, waits } from './script.ts';

const MASTER = 3000;
const WORKERS = [3001, 3002, 3003, 3004];
const PATHS = ['/index.html', '/style.css', '/app.js', '/logo.svg', '/missing', '/report.pdf'];
const LISTEN = 6;
/** sockaddr_in of 0.0.0.0:8080 */
const ADDRESS = new Uint8Array([2, 0, 0x1f, 0x90, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);

export const tasks = [MASTER, ...WORKERS].map((pid) => ({ pid, comm: 'nginx' }));

export function webServer(seed: number): Cast {
  const chance = new Chance(seed);
  const worker = function* (requests: number): Generator<Act> {
    for (let n = 0; n < requests; n++) {
      const fd = 10 + (n % 8);
      yield* waits(
        chance.between(5_000, 40_000),
        'accept4',
        [LISTEN, POINTER, POINTER, 0x800],
        fd,
        chance.between(100_000, 3_000_000),
      );
      const path = chance.of(PATHS);
      const head = `GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`;
      yield* waits(
        chance.between(3_000, 9_000),
        'recvfrom',
        [fd, data(head), 1024, 0, 0, 0],
        head.length,
        chance.between(20_000, 200_000),
      );
      const there = path !== '/missing';
      yield open(chance.between(4_000, 20_000), `/srv/www${path}`, there ? 30 : -ERRNO.ENOENT);
      const size = there ? chance.between(200, 60_000) : 153;
      if (there) {
        yield call(2_000, 'read', [30, POINTER, size], size);
        yield call(1_000, 'close', [30], 0);
      }
      yield call(
        chance.between(5_000, 30_000),
        'sendto',
        [fd, data(`HTTP/1.1 ${there ? 200 : 404}\r\n`), size, 0, 0, 0],
        size,
      );
      yield call(2_000, 'close', [fd], 0);
    }
    yield exit(10_000);
  };
  const master = function* (): Generator<Act> {
    yield call(10_000, 'socket', [2, 1, 0], LISTEN);
    yield call(5_000, 'bind', [LISTEN, data(ADDRESS), 16], 0);
    yield call(5_000, 'listen', [LISTEN, 511], 0);
    for (const pid of WORKERS) yield [0, actor(pid, worker(25))];
  };
  return { tasks, actors: [actor(MASTER, master())] };
}
