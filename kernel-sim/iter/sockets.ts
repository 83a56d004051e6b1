/** Iterators over sockets: of TCP, of UDP, of the local domain and of netlink (net/ipv4/tcp_ipv4.c, udp.c, net/unix, net/netlink). */
import type { Addr } from '../../src/machine/addr.ts';
import { AF, IPPROTO, TCP } from '../../src/uapi/socket.ts';
import type { PlacesFloor } from '../floors/places.ts';
import { ListWalk, type Walk } from './target.ts';

interface Facts {
  readonly protocol: number;
  readonly family: number;
  readonly state: number;
  readonly uid: number;
}
/** What the model knows of a `struct sock`. */
function facts({ memory, structs }: PlacesFloor, sk: Addr): Facts {
  const sock = structs.of('sock');
  return {
    protocol: memory.readU16(sk + sock.offset('sk_protocol')),
    family: memory.readU16(sk + sock.offset('__sk_common.skc_family')),
    state: memory.readU8(sk + sock.offset('__sk_common.skc_state')),
    uid: memory.readU32(sk + sock.offset('sk_uid')),
  };
}
/** Sockets of tasks' descriptors, each once, in the order of the tasks and their descriptors. */
function opened(kernel: PlacesFloor, family: number): Addr[] {
  const { memory, structs, files } = kernel;
  const [file, socket] = [structs.of('file'), structs.of('socket')];
  const found = new Set<Addr>();
  for (const task of kernel.tasks.all()) {
    if (task.pid !== task.tgid) continue;
    for (let fd = 0, room = files.room(task); fd < room; fd++) {
      const at = files.get(task, fd);
      const held = at === 0 ? 0 : memory.readAddr(at + file.offset('private_data'));
      const sk = held === 0 ? 0 : memory.readAddr(held + socket.offset('sk'));
      if (sk !== 0 && facts(kernel, sk).family === family) found.add(sk);
    }
  }
  return [...found];
}
const internet = (kernel: PlacesFloor, protocol: number): { readonly sk: Addr; readonly facts: Facts }[] =>
  [...kernel.net.ports.all()]
    .map((sk) => ({ sk, facts: facts(kernel, sk) }))
    .filter((socket) => socket.facts.protocol === protocol);

/** Those that listen come first, as their table does. */
export function tcp(kernel: PlacesFloor): Walk {
  const list = (): { readonly sk: Addr; readonly facts: Facts }[] => {
    const all = internet(kernel, IPPROTO.TCP);
    const listens = all.filter((s) => s.facts.state === TCP.LISTEN);
    return [...listens, ...all.filter((s) => s.facts.state !== TCP.LISTEN)];
  };
  return new ListWalk([0, 0], list, ({ sk, facts: { uid } }) => [sk, uid]);
}
export const udp = (kernel: PlacesFloor): Walk =>
  new ListWalk(
    [0, 0, 0],
    () => internet(kernel, IPPROTO.UDP),
    ({ sk, facts: { uid } }) => [sk, uid, 0],
  );
export const unix = (kernel: PlacesFloor): Walk =>
  new ListWalk(
    [0, 0],
    () => opened(kernel, AF.UNIX),
    (sk) => [sk, facts(kernel, sk).uid],
  );
export const netlink = (kernel: PlacesFloor): Walk =>
  new ListWalk(
    [0],
    () => opened(kernel, AF.NETLINK),
    (sk) => [sk],
  );
