/** What an address points to, in words. */
import { type Addr, addrFromBigInt } from '../../machine/addr.ts';
import { TASK_SIZE_MAX } from '../../machine/index.ts';
import { decodeUtf8 } from '../../platform/index.ts';
import type { SessionContext } from './context.ts';

const MOST_CHARS = 40;
/** fewer are as likely chance */
const LEAST_CHARS = 4;

export function follow(session: SessionContext, bits: bigint): string | undefined {
  const at = addrFromBigInt(bits);
  // small numbers, and what no address can be
  if (at >= 0 && (at < 0x1_0000 || at >= TASK_SIZE_MAX)) return undefined;
  if (at < -0x8000_0000_0000) return undefined;
  const { kernel } = session;
  if (kernel.memory.regionAt(at) === undefined) return undefined;
  return (
    mapOf(session, at) ?? taskOf(session, at) ?? stackOf(session, at) ?? symbolOf(session, at) ?? textAt(session, at)
  );
}

function mapOf({ loaded }: SessionContext, at: Addr): string | undefined {
  for (const [name, map] of Object.entries(loaded.maps)) {
    if (map.handle.map.addr === at) return `map ${name}`;
    const value = map.handle.map.directValue;
    if (value === undefined) continue;
    const offset = at - value;
    const { valueSize, maxEntries } = map.handle;
    const each = Math.ceil(valueSize / 8) * 8;
    if (offset < 0 || offset >= each * maxEntries) continue;
    const index = Math.floor(offset / each);
    const rest = offset % each;
    const element = maxEntries > 1 ? `${name}[${index}]` : name;
    return rest === 0 ? element : `${element}+${rest}`;
  }
  return undefined;
}
function taskOf({ kernel }: SessionContext, at: Addr): string | undefined {
  const task = kernel.tasks.at(at);
  return task && `task_struct of ${task.comm} (${task.pid})`;
}
function stackOf({ kernel }: SessionContext, at: Addr): string | undefined {
  const { current } = kernel.tasks;
  if (at < current.stack || at >= current.stackTop) return undefined;
  const regs = current.stackTop - kernel.structs.of('pt_regs').size;
  if (at === regs) return 'pt_regs';
  return `stack, top-${current.stackTop - at}`;
}
function symbolOf({ kernel, places }: SessionContext, at: Addr): string | undefined {
  const symbol = kernel.symbols.at(at);
  return symbol === undefined ? undefined : places.name(at);
}
function textAt({ scope }: SessionContext, at: Addr): string | undefined {
  const bytes = scope.memory.string(at, MOST_CHARS);
  return bytes === undefined || bytes.length < LEAST_CHARS ? undefined : JSON.stringify(decodeUtf8(bytes));
}
