/** Sockets of AF_UNIX: which name is bound to which, and who is whose peer (unix(7)). */
import type { Addr } from '../../src/machine/addr.ts';
import { decodeLatin1, decodeUtf8 } from '../../src/platform/index.ts';
import { AF } from '../../src/uapi/socket.ts';
import { capture } from '../core/state.ts';
import { cgroupAttachType } from '../data/cgroup-attach-types.ts';
import type { ObjectFloor } from '../floors/objects.ts';
import { SOCKADDR_UN, SUN_PATH, unixLength } from './unix-names.ts';

/** sizeof(sun_path), behind the family */
const [PATH, PATH_BYTES] = [SUN_PATH, SOCKADDR_UN - SUN_PATH];
const SS_CONNECTED = 3;
/** calls whose second argument is filled with a name */
const ASKS: ReadonlySet<string> = new Set(['getsockname', 'getpeername']);
const encodeLatin1 = (text: string): number[] => Array.from(text, (c) => c.charCodeAt(0));

export class UnixSockets {
  /** `struct sock` by bound name; an abstract one begins with NUL */
  readonly #bound = new Map<string, Addr>();
  /** `struct socket` of each end of a pair */
  readonly #peers = new Map<Addr, Addr>();

  constructor(kernel: ObjectFloor, on: (name: string, handler: () => void) => void, filename: (path: string) => Addr) {
    const { args, memory, structs, files, tasks } = kernel;
    const socket = structs.of('socket');
    const nameAt = (at: Addr): string => {
      const bytes = memory.readBytes(at + PATH, PATH_BYTES);
      const end = bytes.indexOf(0, bytes[0] === 0 ? 1 : 0);
      return decodeLatin1(bytes.subarray(0, end < 0 ? PATH_BYTES : end));
    };
    // (address): the name that bind(2) makes in the file system, 0 of an abstract one
    on('unix_name', () => {
      const name = nameAt(args.addr(0));
      const isPath = name !== '' && name[0] !== '\0';
      args.retAddr(isPath ? filename(decodeUtf8(memory.readCString(args.addr(0) + PATH, PATH_BYTES))) : 0);
    });
    // (socket, room, peer, room for the length): whether the end that getname asks for has a name
    on('unix_getname', () => {
      const [sk, at, isPeer] = [memory.readAddr(args.addr(0) + socket.offset('sk')), args.addr(1), args.lo(2) !== 0];
      const given = ASKS.has(tasks.current.call?.name ?? '') ? tasks.current.call?.args[1] : undefined;
      const bytes = given?.kind === 'bytes' ? given.bytes : isPeer ? undefined : this.#nameOf(sk);
      memory.writeBytes(at, new Uint8Array(SOCKADDR_UN));
      memory.writeU16(at, AF.UNIX);
      const length = bytes === undefined ? SUN_PATH : unixLength(bytes);
      if (bytes !== undefined) memory.writeBytes(at, bytes.subarray(0, SOCKADDR_UN));
      memory.writeU32(args.addr(3), length);
      args.retU32(length > SUN_PATH + 1 ? 1 : 0);
    });
    on('unix_getname_type', () =>
      args.retU32(cgroupAttachType(args.lo(0) === 0 ? 'cgroup_unix_getsockname' : 'cgroup_unix_getpeername')),
    );
    on('unix_bound', () => {
      const name = nameAt(args.addr(1));
      if (name !== '' && args.addr(0) !== 0) this.#bound.set(name, memory.readAddr(args.addr(0) + socket.offset('sk')));
    });
    // (socket, address): the socket that is connected to; the caller's own stands for one that the recording has not seen
    on('unix_other', () =>
      args.retAddr(
        this.#bound.get(nameAt(args.addr(1))) ??
          (args.addr(0) === 0 ? 0 : memory.readAddr(args.addr(0) + socket.offset('sk'))),
      ),
    );
    on('socketpair', () => {
      const [a, b] = [args.addr(0), args.addr(1)];
      if (a === 0 || b === 0) return;
      this.#peers.set(a, b).set(b, a);
      for (const at of [a, b]) memory.writeU32(at + socket.offset('state'), SS_CONNECTED);
    });
    on('unix_peer', () => args.retAddr(this.#peers.get(args.addr(0)) ?? 0));
    files.socketFreed.add((at) => {
      const peer = this.#peers.get(at);
      if (peer !== undefined) this.#peers.delete(peer);
      this.#peers.delete(at);
      const sk = memory.readAddr(at + socket.offset('sk'));
      for (const [name, bound] of this.#bound) if (bound === sk) this.#bound.delete(name);
    });
  }
  /** The address that a `struct sock` is bound to. */
  #nameOf(sk: Addr): Uint8Array | undefined {
    for (const [name, bound] of this.#bound)
      if (bound === sk) return Uint8Array.from([AF.UNIX, 0, ...encodeLatin1(name), 0]);
    return undefined;
  }
  save() {
    return capture({ bound: this.#bound, peers: this.#peers });
  }
  restore(state: ReturnType<UnixSockets['save']>): void {
    state.back();
  }
}
