/** Sockets of the recording: struct socket and struct sock per descriptor, addresses filled in on connect. */

import type { Addr } from '../../src/machine/addr.ts';
import { O } from '../../src/uapi/fcntl.ts';
import { AF, SOCK } from '../../src/uapi/socket.ts';
import { S_IF } from '../core/file-mode.ts';
import { SOCK_ROOM } from '../core/object-words.ts';
import type { ObjectFloor } from '../floors/objects.ts';
import { hasPages } from './io.ts';
import { registerMessages } from './messages.ts';
import type { RootFs } from './root-fs.ts';
import { SocketNames } from './socket-names.ts';

/** include/net/tcp_states.h */
const [TCP_ESTABLISHED, TCP_CLOSE] = [1, 7];

/** struct proto_ops and net_proto_family: operation, then address family */
const OPS = {
  listen: { 1: 'unix_listen', 2: 'inet_listen', 10: 'inet_listen' },
  create: { 1: 'unix_create', 2: 'inet_create', 10: 'inet6_create' },
  bind: { 1: 'unix_bind', 2: 'inet_bind', 10: 'inet6_bind' },
  sendmsg: { 1: 'unix_stream_sendmsg', 2: 'inet_sendmsg', 10: 'inet6_sendmsg' },
  recvmsg: { 1: 'unix_stream_recvmsg', 2: 'inet_recvmsg', 10: 'inet6_recvmsg' },
  getname: { 1: 'unix_getname', 2: 'inet_getname', 10: 'inet6_getname' },
  release: { 1: 'unix_release', 2: 'inet_release', 10: 'inet6_release' },
  accept: { 1: 'unix_accept', 2: 'inet_accept', 10: 'inet_accept' },
  shutdown: { 1: 'unix_shutdown', 2: 'inet_shutdown', 10: 'inet_shutdown' },
} as const;
/** unix_dgram_ops, where it differs */
const UNIX_DGRAM_OPS: Readonly<Partial<Record<keyof typeof OPS, string>>> = {
  sendmsg: 'unix_dgram_sendmsg',
  recvmsg: 'unix_dgram_recvmsg',
};

/** names of struct proto by family: streams, datagrams */
const PROTOCOLS: Readonly<Record<number, readonly [string, string]>> = {
  1: ['UNIX-STREAM', 'UNIX'],
  2: ['TCP', 'UDP'],
  10: ['TCPv6', 'UDPv6'],
  16: ['NETLINK', 'NETLINK'],
  17: ['PACKET', 'PACKET'],
};
/** include/uapi/linux/net.h, socket_state */
const SS = { UNCONNECTED: 1, CONNECTED: 3 } as const;
const SOCK_MODE = S_IF.SOCK | 0o777;
/** where cgroup v2 is mounted */
const CGROUPFS = '/sys/fs/cgroup/';

export class Sockets {
  readonly #kernel: ObjectFloor;
  readonly #rootFs: RootFs;
  constructor(kernel: ObjectFloor, rootFs: RootFs) {
    this.#kernel = kernel;
    this.#rootFs = rootFs;
  }

  register(on: (name: string, handler: () => void) => void): void {
    const { args, memory, structs, files, tasks, text, recorded } = this.#kernel;
    const sock = structs.of('sock');
    const socket = structs.of('socket');
    const dgram = (sk: Addr): boolean => memory.readU16(sk + sock.offset('sk_type')) === SOCK.DGRAM;
    /** the function that Linux finds in proto_ops or proto; 0 calls nothing */
    const give = (name: string): void => args.retAddr(name === '' ? 0 : text.place(name));
    for (const operation of Object.values(OPS)) text.maker.mayCall(Object.values(operation));
    text.maker.mayCall([...Object.values(UNIX_DGRAM_OPS), 'unix_dgram_connect']);
    files.socketFreed.add((s) => {
      // a socket that goes on without it is its protocol's to free
      const sk = memory.readAddr(s + socket.offset('sk'));
      if (sk !== 0) this.#kernel.slab.kfree(sk);
      this.#kernel.slab.kfree(s);
    });
    registerMessages(this.#kernel, on);
    on('socket_of', () => args.retAddr(this.#of(args.addr(0))));
    on('socket', () => args.retAddr(this.#of(files.get(tasks.current, args.lo(0)))));
    on('sock_alloc_file', () => {
      const file = files.openDentry(this.#dentry(args.addr(0)));
      memory.writeU32(file + structs.of('file').offset('f_flags'), O.RDWR);
      this.#bind(args.addr(0), file);
      args.retAddr(file);
    });
    // accept: a socket as the one that listens, whose struct sock comes with the connection
    on('accept_alloc', () => {
      const listener = args.addr(0);
      args.retAddr(this.#allocBare(listener === 0 ? 1 : memory.readU16(listener + socket.offset('type'))));
    });
    on('accept_refused', () => this.#kernel.slab.kfree(args.addr(0)));
    // the recording has a connection where the protocol has none, or the model has not the protocol
    on('accept_grafted', () => {
      const [listener, made] = [args.addr(0), args.addr(1)];
      if (made !== 0 && memory.readAddr(made + socket.offset('sk')) === 0) this.#allocAccepted(listener, made);
    });
    on('unless_null', () => args.retAddr(args.addr(0) === 0 ? 0 : args.addr(1)));
    // a connection whose other end the recording alone knows
    on('sock_accepted', () => args.retAddr(this.#allocAccepted(args.addr(0), args.addr(1))));
    on('sock_graft', () => {
      const [sk, made] = [args.addr(0), args.addr(1)];
      memory.writeAddr(made + socket.offset('sk'), sk);
      memory.writeAddr(sk + sock.offset('sk_socket'), made);
      memory.writeU32(made + socket.offset('state'), SS.CONNECTED);
    });
    on('sock_inode', () => args.retAddr(this.#inode(args.addr(0))));
    // a stream that is connected
    on('connected', () => {
      const at = args.addr(0);
      if (at !== 0 && memory.readU16(at + socket.offset('type')) !== SOCK.DGRAM)
        memory.writeU32(at + socket.offset('state'), SS.CONNECTED);
    });
    on('socket_alloc', () => args.retAddr(this.#alloc(args.lo(0), args.lo(1) & 0xf, args.lo(2))));
    on('socket_created', () => memory.writeAddr(args.addr(0), args.addr(1)));
    on('socket_refused', () => {
      this.#kernel.slab.kfree(memory.readAddr(args.addr(0) + socket.offset('sk')));
      this.#kernel.slab.kfree(args.addr(0));
    });
    on('call_error', () => args.retInt(recorded.failed ? recorded.lo : 0));
    on('copy_sockaddr', () => {
      const call = tasks.current.call;
      const address = call?.args[1];
      if (address?.kind === 'bytes') memory.writeBytes(args.addr(0), address.bytes.subarray(0, 128));
    });
    /** by address family of the socket in the first argument, as proto_ops has it */
    const ops = (name: keyof typeof OPS): void =>
      on(`ops_${name}`, () => {
        const first = args.addr(0);
        const family = name === 'create' ? first : familyOf(first);
        const isUnixDatagram =
          family === AF.UNIX && name !== 'create' && memory.readU16(first + socket.offset('type')) === SOCK.DGRAM;
        const own = isUnixDatagram ? UNIX_DGRAM_OPS[name] : undefined;
        give(own ?? (OPS[name] as Readonly<Record<number, string>>)[family] ?? '');
      });
    const familyOf = (s: Addr): number => {
      const sk = s === 0 ? 0 : memory.readAddr(s + socket.offset('sk'));
      return sk === 0 ? 0 : memory.readU16(sk + sock.offset('__sk_common.skc_family'));
    };
    for (const name of Object.keys(OPS)) ops(name as keyof typeof OPS);
    const isSocket = (file: Addr): boolean =>
      file !== 0 && memory.readAddr(file + structs.of('file').offset('private_data')) !== 0;
    const isProcSys = (file: Addr): boolean =>
      file !== 0 &&
      files.dcache.pathOf(memory.readAddr(file + structs.of('file').offset('f_path.dentry'))).startsWith('/proc/sys/');
    const isCgroup = (file: Addr): boolean =>
      file !== 0 &&
      files.dcache.pathOf(memory.readAddr(file + structs.of('file').offset('f_path.dentry'))).startsWith(CGROUPFS);
    const place = (name: string): Addr => this.#kernel.text.place(name);
    /** the file system's own function, where it is a module, else what those call */
    const ofFs = (operation: 'read_iter' | 'write_iter', file: Addr, generic: string): Addr => {
      const own = this.#rootFs.operation(operation, file);
      return own === 0 && hasPages(this.#kernel, file) ? place(generic) : own;
    };
    const readIter = (file: Addr): Addr => {
      if (isSocket(file)) return place('sock_read_iter');
      return isProcSys(file) ? place('proc_sys_read') : ofFs('read_iter', file, 'generic_file_read_iter');
    };
    const writeIter = (file: Addr): Addr => {
      if (isSocket(file)) return place('sock_write_iter');
      if (isProcSys(file)) return place('proc_sys_write');
      if (isCgroup(file)) return place('kernfs_fop_write_iter');
      return ofFs('write_iter', file, 'generic_file_write_iter');
    };
    on('read_iter', () => {
      const file = args.addr(0);
      args.retAddr(readIter(file));
    });
    on('write_iter', () => {
      const file = args.addr(0);
      args.retAddr(writeIter(file));
    });
    on('rw_iter', () => args.retAddr(args.lo(1) === 0 ? readIter(args.addr(0)) : writeIter(args.addr(0))));
    // a stream of a family that names have
    on('stream_socket', () => {
      const s = args.addr(0);
      const isStream = s !== 0 && !dgram(memory.readAddr(s + socket.offset('sk')));
      args.retAddr(isStream && familyOf(s) in OPS.getname ? s : 0);
    });
    on('connect_family', () => {
      const s = args.addr(0);
      if (s === 0) {
        args.retAddr(0);
        return;
      }
      const family = memory.readU16(args.addr(1));
      const sk = memory.readAddr(s + socket.offset('sk'));
      memory.writeU16(sk + sock.offset('__sk_common.skc_family'), family);
      if (family === AF.UNIX) give(dgram(sk) ? 'unix_dgram_connect' : 'unix_stream_connect');
      else give(dgram(sk) ? 'inet_dgram_connect' : 'inet_stream_connect');
    });
    /** by protocol of the struct sock in the first argument */
    const proto = (name: string, tcp: (six: boolean) => string, udp: (six: boolean) => string): void =>
      on(name, () => {
        const sk = args.addr(0);
        if (sk === 0) args.retAddr(0);
        else give((dgram(sk) ? udp : tcp)(memory.readU16(sk + sock.offset('__sk_common.skc_family')) === AF.INET6));
      });
    proto(
      'send_proto',
      () => 'tcp_sendmsg',
      (six) => (six ? 'udpv6_sendmsg' : 'udp_sendmsg'),
    );
    proto(
      'close_proto',
      () => 'tcp_close',
      () => 'udp_lib_close',
    );
    proto(
      'recv_proto',
      () => 'tcp_recvmsg',
      (six) => (six ? 'udpv6_recvmsg' : 'udp_recvmsg'),
    );
    on('sock_addresses', () => {
      const sk = args.addr(0);
      const address = args.addr(1);
      const family = memory.readU16(address);
      const at = (path: string): Addr => sk + sock.offset(`__sk_common.${path}`);
      memory.writeU16(at('skc_dport'), memory.readU16(address + 2));
      if (family === AF.INET) {
        memory.writeU32(at('skc_daddr'), memory.readU32(address + 4));
      } else if (family === AF.INET6) memory.writeBytes(at('skc_v6_daddr'), memory.readBytes(address + 8, 16));
    });
    new SocketNames(this.#kernel).register(on);
    on('tcp_state', () =>
      args.retU32(args.addr(0) === 0 ? TCP_CLOSE : memory.readU8(args.addr(0) + sock.offset('__sk_common.skc_state'))),
    );
    on('sk_state', () => {
      if (args.addr(0) !== 0) memory.writeU8(args.addr(0) + sock.offset('__sk_common.skc_state'), args.lo(1));
    });
  }

  /** The socket behind a struct file; one whose socket() call the recording does not have is a TCP socket. */
  #of(file: Addr): Addr {
    if (file === 0) return 0;
    const { memory, structs } = this.#kernel;
    const at = memory.readAddr(file + structs.of('file').offset('private_data'));
    return at !== 0 ? at : this.#make(file, AF.INET, 1, 6);
  }
  #inode(s: Addr): Addr {
    return s === 0 ? 0 : s + this.#kernel.structs.of('socket').size;
  }
  /** The dentry of a socket's file: sockfs calls it by its protocol. */
  #dentry(s: Addr): Addr {
    const { memory, structs, files, tasks } = this.#kernel;
    const skOf = (at: Addr): Addr => (at === 0 ? 0 : memory.readAddr(at + structs.of('socket').offset('sk')));
    // what accept(2) makes is called as the socket that listens
    const [listener] = tasks.current.call?.args ?? [];
    const fd = listener?.kind === 'int' ? listener.lo : -1;
    const sk = skOf(s) || skOf(this.#of(files.get(tasks.current, fd)));
    const sock = structs.of('sock');
    const family = sk === 0 ? AF.INET : memory.readU16(sk + sock.offset('__sk_common.skc_family'));
    const isDatagram = sk !== 0 && memory.readU16(sk + sock.offset('sk_type')) === SOCK.DGRAM;
    const name = PROTOCOLS[family]?.[isDatagram ? 1 : 0] ?? '';
    return files.dcache.pseudo('sockfs', name, (ino) => `socket:[${ino}]`, SOCK_MODE, this.#inode(s));
  }
  #make(file: Addr, family: number, type: number, protocol: number): Addr {
    const s = this.#alloc(family, type, protocol);
    this.#bind(s, file);
    return s;
  }
  #bind(s: Addr, file: Addr): void {
    const { memory, structs } = this.#kernel;
    memory.writeAddr(file + structs.of('file').offset('private_data'), s);
    memory.writeAddr(s + structs.of('socket').offset('file'), file);
  }
  /** A `struct socket` with nothing behind it yet. */
  #allocBare(type: number): Addr {
    const { memory, structs, slab } = this.#kernel;
    const socket = structs.of('socket');
    // struct socket_alloc: the inode lies behind the socket
    const inode = structs.of('inode');
    const s = slab.kmalloc(socket.size + inode.size);
    memory.writeBytes(s, new Uint8Array(socket.size + inode.size));
    memory.writeU16(s + socket.size + inode.offset('i_mode'), SOCK_MODE);
    memory.writeAddr(s + socket.size + inode.offset('i_sb'), this.#kernel.files.dcache.superBlocks.pseudo('sockfs'));
    memory.writeU32(s + socket.offset('state'), SS.UNCONNECTED);
    memory.writeU16(s + socket.offset('type'), type);
    return s;
  }
  #alloc(family: number, type: number, protocol: number): Addr {
    const s = this.#allocBare(type);
    this.#allocSock(s, family, type, protocol);
    return s;
  }
  /** A connected `struct sock` of the listener's kind for the socket that accept(2) makes. */
  #allocAccepted(listener: Addr, made: Addr): Addr {
    const { memory, structs } = this.#kernel;
    const sock = structs.of('sock');
    const from = listener === 0 ? 0 : memory.readAddr(listener + structs.of('socket').offset('sk'));
    if (from === 0) return this.#allocSock(made, AF.INET, 1, 6);
    const u16 = (field: '__sk_common.skc_family' | 'sk_type' | 'sk_protocol'): number =>
      memory.readU16(from + sock.offset(field));
    const sk = this.#allocSock(made, u16('__sk_common.skc_family'), u16('sk_type'), u16('sk_protocol'));
    memory.writeU8(sk + sock.offset('__sk_common.skc_state'), TCP_ESTABLISHED);
    return sk;
  }
  #allocSock(s: Addr, family: number, type: number, protocol: number): Addr {
    const { memory, structs, slab, tasks, objects } = this.#kernel;
    const socket = structs.of('socket');
    const sock = structs.of('sock');
    const sk = slab.kmalloc(SOCK_ROOM);
    memory.writeBytes(sk, new Uint8Array(SOCK_ROOM));
    memory.writeAddr(s + socket.offset('sk'), sk);
    memory.writeAddr(sk + sock.offset('sk_socket'), s);
    memory.writeU16(sk + sock.offset('__sk_common.skc_family'), family);
    memory.writeU8(sk + sock.offset('__sk_common.skc_state'), TCP_CLOSE);
    memory.writeU16(sk + sock.offset('sk_type'), type);
    const byType = family === AF.INET || family === AF.INET6 ? (type === SOCK.DGRAM ? 17 : 6) : 0;
    memory.writeU16(sk + sock.offset('sk_protocol'), protocol || byType);
    const proxy = tasks.spaces.proxy(tasks.current) || objects.namespaces.init;
    memory.writeAddr(sk + sock.offset('__sk_common.skc_net'), objects.namespaces.in(proxy, 'net'));
    return sk;
  }
}
