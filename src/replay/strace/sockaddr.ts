/** Socket addresses that strace decoded: `{sa_family=AF_INET, sin_port=htons(80), sin_addr=inet_addr("10.0.0.1")}`. */
import { socketAddress } from '../socket-address.ts';

/** undefined for text that is none */
export function sockaddr(text: string): Uint8Array | undefined {
  const field = (name: RegExp): string | undefined => name.exec(text)?.[1];
  const family = field(/sa_family=(AF_\w+)/);
  if (family === undefined) return undefined;
  const port = Number(field(/sin6?_port=htons\((\d+)\)/) ?? 0);
  const address = field(family === 'AF_INET' ? /inet_addr\("([^"]+)"\)/ : /inet_pton\(AF_INET6, "([^"]+)"/);
  const path = field(/sun_path=(@?"[^"]*)"/)?.replace(/^@?"/, (quote) => (quote === '"' ? '' : '\0'));
  return socketAddress({ family, port, ...(address ? { address } : {}), ...(path ? { path } : {}) });
}
