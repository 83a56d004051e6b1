/** `struct msghdr` of a recorded message: to whom, and how much (recvmsg(2), readv(2)). */
import type { ObjectFloor } from '../floors/objects.ts';
import { fieldTexts, numberOf } from './recorded-struct.ts';

/** room that rows have for an address */
const ROOM = 128;

export function registerMessages(kernel: ObjectFloor, on: (name: string, handler: () => void) => void): void {
  const { args, memory, structs, tasks, recorded } = kernel;
  const msg = structs.offsets('msghdr', ['msg_name', 'msg_namelen'] as const);

  // bytes that the running call has, or has room for: a number, or the sum of `[{iov_base="mess", iov_len=4}]`
  on('msg_bytes', () => {
    const given = tasks.current.call?.args ?? [];
    const [vector, length] = [given[1], given[2]];
    if (vector?.kind === 'opaque' && vector.text.includes('iov_len='))
      args.retU32(fieldTexts(vector.text, 'iov_len').reduce((sum, text) => sum + (numberOf(text) ?? 0), 0));
    else args.retU32(length?.kind === 'int' ? length.lo : Math.max(0, recorded.failed ? 0 : recorded.lo));
  });
  // (msg, room for the address): copy_msghdr_from_user()
  on('msghdr', () => {
    const given = tasks.current.call?.args[1];
    const address = given?.kind === 'opaque' ? given.address?.subarray(0, ROOM) : undefined;
    if (address) memory.writeBytes(args.addr(1), address);
    memory.writeAddr(args.addr(0) + msg.msg_name, address ? args.addr(1) : 0);
    memory.writeU32(args.addr(0) + msg.msg_namelen, address?.length ?? 0);
  });
}
