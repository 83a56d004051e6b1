/** Sockets: include/uapi/linux/{in,tcp}.h, include/linux/{socket,net}.h and include/net/tcp_states.h of Linux 6.12. */

/** Address families. */
export const AF = { UNIX: 1, INET: 2, INET6: 10, NETLINK: 16 } as const;
/** Types of sockets. */
export const SOCK = { STREAM: 1, DGRAM: 2, RAW: 3 } as const;
export const IPPROTO = { ICMP: 1, TCP: 6, UDP: 17, ROUTING: 43, ICMPV6: 58 } as const;
/** States of a TCP socket. */
export const TCP = {
  ...{ ESTABLISHED: 1, SYN_SENT: 2, SYN_RECV: 3, FIN_WAIT1: 4, FIN_WAIT2: 5, TIME_WAIT: 6, CLOSE: 7 },
  ...{ CLOSE_WAIT: 8, LAST_ACK: 9, LISTEN: 10, CLOSING: 11, NEW_SYN_RECV: 12 },
} as const;
/** Levels of setsockopt(2). */
export const SOL = { SOCKET: 1, IP: 0, TCP: 6, IPV6: 41 } as const;
/** An option of SOL_TCP. */
export const TCP_CONGESTION = 13;
