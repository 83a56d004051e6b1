/** Addresses of sockets between user space and kernel: where a message goes, whence it came, what getsockname tells (socket(7), ip(7)). */
import type { Addr } from '../../src/machine/addr.ts';
import { GuestFault } from '../../src/machine/index.ts';
import { AF } from '../../src/uapi/socket.ts';
import type { ObjectFloor } from '../floors/objects.ts';
import type { TraceArg } from '../task/user-call.ts';
import { SOCKADDR_UN, unixLength } from './unix-names.ts';

/** sizeof(struct sockaddr_in) and of sockaddr_in6 */
const [SOCKADDR_IN, SOCKADDR_IN6] = [16, 28];
/** room that rows have for an address */
const ROOM = 128;
/** SOL_SOCKET, IPPROTO_* */
const LEVEL = { SOCKET: 1, TCP: 6 } as const;
/** which argument of a call is the address */
const ADDRESS_OF: Readonly<Record<string, number>> = { sendto: 4, recvfrom: 4, getsockname: 1, getpeername: 1 };

export class SocketNames {
  readonly #kernel: ObjectFloor;
  constructor(kernel: ObjectFloor) {
    this.#kernel = kernel;
  }

  register(on: (name: string, handler: () => void) => void): void {
    const { args, memory, structs, tasks, text } = this.#kernel;
    const msg = structs.offsets('msghdr', ['msg_name', 'msg_namelen'] as const);
    const recorded = (): Uint8Array | undefined => {
      const { call } = tasks.current;
      const given: TraceArg | undefined = call?.args[ADDRESS_OF[call.name] ?? -1];
      return given?.kind === 'bytes' ? given.bytes.subarray(0, ROOM) : undefined;
    };
    const length = (at: Addr): number => {
      const family = memory.readU16(at);
      if (family === AF.UNIX) return unixLength(memory.readBytes(at, SOCKADDR_UN));
      return family === AF.INET ? SOCKADDR_IN : SOCKADDR_IN6;
    };

    // (msg, address, user address): move_addr_to_kernel has copied it, or there is none
    on('msg_name', () => {
      const bytes = args.addr(2) === 0 ? undefined : recorded();
      if (bytes) memory.writeBytes(args.addr(1), bytes);
      memory.writeAddr(args.addr(0) + msg.msg_name, bytes ? args.addr(1) : 0);
      memory.writeU32(args.addr(0) + msg.msg_namelen, bytes?.length ?? 0);
    });
    // (msg, address, user address): room where the caller wants to know the sender
    on('recv_room', () => {
      const wanted = args.addr(2) !== 0;
      memory.writeBytes(args.addr(1), (wanted ? recorded() : undefined) ?? new Uint8Array(SOCKADDR_IN6));
      memory.writeAddr(args.addr(0) + msg.msg_name, wanted ? args.addr(1) : 0);
    });
    // (msg, skb): the sender, as the recording or the packet says; 0 where nobody asks
    on('recv_name', () => {
      const at = memory.readAddr(args.addr(0) + msg.msg_name);
      args.retAddr(at !== 0 && memory.readU16(at) !== 0 ? at : 0);
    });
    on('sockaddr_len', () => memory.writeU32(args.addr(0), args.addr(1) === 0 ? 0 : length(args.addr(1))));
    // (user address, user length, address): what programs have made of it
    on('name_to_user', () => {
      const [user, address] = [args.addr(0), args.addr(2)];
      if (user === 0 || memory.readU16(address) === 0) return;
      try {
        memory.writeBytes(user, memory.readBytes(address, length(address)));
      } catch (error) {
        if (!(error instanceof GuestFault)) throw error;
      }
    });
    // (sk, address, peer)
    on('inet_name', () => {
      const [sk, at, isPeer] = [args.addr(0), args.addr(1), args.lo(2) !== 0];
      const bytes = recorded();
      memory.writeBytes(at, bytes ?? new Uint8Array(SOCKADDR_IN6));
      if (bytes || sk === 0) return;
      const common = (name: string): Addr => sk + structs.of('sock').offset(`__sk_common.${name}`);
      memory.writeU16(at, memory.readU16(common('skc_family')));
      const port = memory.readU16(common(isPeer ? 'skc_dport' : 'skc_num'));
      memory.writeU16(at + 2, isPeer ? port : ((port & 0xff) << 8) | (port >> 8));
      if (memory.readU16(at) === AF.INET)
        memory.writeU32(at + 4, memory.readU32(common(isPeer ? 'skc_daddr' : 'skc_rcv_saddr')));
    });
    // struct proto_ops and proto: who handles an option
    for (const [name, own, tcp, udp] of [
      ['ops_setsockopt', 'sock_setsockopt', 'tcp_setsockopt', 'udp_setsockopt'],
      ['ops_getsockopt', 'sk_getsockopt', 'tcp_getsockopt', 'udp_getsockopt'],
    ] as const) {
      text.maker.mayCall([own, tcp, udp]);
      on(name, () => {
        const level = args.lo(1);
        args.retAddr(text.maker.address(level === LEVEL.SOCKET ? own : level === LEVEL.TCP ? tcp : udp) ?? 0);
      });
    }
    // the second argument of read and write
    const regs = structs.of('pt_regs');
    on('user_buffer', () => {
      const { current } = tasks;
      args.retAddr(memory.readAddr(current.stackTop - regs.size + regs.offset('si')));
    });
  }
}
