/** Structures that a system call's arguments point to, by their members. */
import { type Btf, BtfError, type BtfValue, encodeValue, isComposite } from '../btf/index.ts';
import { ArgumentError } from '../errors/argument.ts';
import { nearestText } from '../errors/near.ts';
import { concatBytes } from '../platform/index.ts';
import { type SocketAddress, socketAddress } from '../replay/index.ts';

/** Members by name, as {@link encodeValue} takes them; of `struct sockaddr` those of {@link SocketAddress}. */
export type StructValue = { readonly [member: string]: unknown };

/** Bytes of a structure, or of an array of them. @throws ArgumentError: a member that it has not, with near ones; what its type cannot have */
export function structBytes(
  btf: Btf,
  type: string,
  value: StructValue | readonly StructValue[],
  argument: string,
): Uint8Array {
  const name = /\b(?:struct|union) (\w+) ?\*$/.exec(type)?.[1];
  if (name === undefined) throw new ArgumentError(argument, `${type} points to no structure: give its bytes`);
  if (Array.isArray(value)) return concatBytes(value.map((one, n) => structBytes(btf, type, one, `${argument}[${n}]`)));
  if (name === 'sockaddr') return socketBytes(value as StructValue, argument);
  const id = btf.findByName(name, 'struct') || btf.findByName(name, 'union');
  const found = id === 0 ? undefined : btf.resolve(id);
  if (found === undefined || !isComposite(found))
    throw new ArgumentError(argument, `the kernel's BTF has no ${name}: give its bytes`);
  const bytes = new Uint8Array(btf.sizeOf(found.id));
  try {
    encodeValue(btf, found.id, value as BtfValue, bytes, 0, argument);
  } catch (error) {
    throw error instanceof BtfError ? new ArgumentError(argument, error.message) : error;
  }
  return bytes;
}

const FAMILIES = ['AF_INET', 'AF_INET6', 'AF_UNIX'];
const MEMBERS = ['family', 'address', 'port', 'path'];
const isPort = (port: unknown): boolean =>
  Number.isInteger(port) && (port as number) >= 0 && (port as number) <= 0xffff;

function socketBytes(value: StructValue, argument: string): Uint8Array {
  const { family, address, port = 0, path } = value;
  for (const member of Object.keys(value))
    if (!MEMBERS.includes(member))
      throw new ArgumentError(
        `${argument}.${member}`,
        `a socket address has no such member${nearestText(member, MEMBERS)}`,
      );
  if (typeof family !== 'string' || !FAMILIES.includes(family))
    throw new ArgumentError(`${argument}.family`, `it is one of ${FAMILIES.join(', ')}; of others give the bytes`);
  if (!isPort(port)) throw new ArgumentError(`${argument}.port`, 'a port is a number from 0 to 65535');
  const told: SocketAddress = {
    family,
    port: port as number,
    ...(address === undefined ? {} : { address: String(address) }),
    // the way in which tools show that a name is abstract
    ...(path === undefined ? {} : { path: String(path).replace(/^@/, '\0') }),
  };
  const bytes = socketAddress(told);
  if (bytes === undefined) throw new ArgumentError(`${argument}.address`, `'${address}' is no address of ${family}`);
  return bytes;
}
