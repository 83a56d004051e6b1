/** A client of the debug adapter, in this process: requests by name, events as they come. */
import { fileURLToPath } from 'node:url';
import { openLaunch } from '../../../src/cli/commands/dap.ts';
import { DapServer } from '../../../src/protocol/dap/server.ts';
import { MessageReader } from '../../../src/protocol/dap/wire.ts';

// biome-ignore lint/suspicious/noExplicitAny: what a test looks at in an answer, it says
type Body = any;
interface Message {
  readonly type: 'response' | 'event';
  readonly event?: string;
  readonly command?: string;
  readonly request_seq?: number;
  readonly success?: boolean;
  readonly message?: string;
  readonly body?: Body;
}

export const fixturePath = (name: string): string =>
  fileURLToPath(new URL(`../../../fixtures/${name}`, import.meta.url));

export function dapClient() {
  const reader = new MessageReader();
  const received: Message[] = [];
  const waiting: (() => void)[] = [];
  let gone = false;
  const server = new DapServer(
    (args) => openLaunch(args, () => ({})),
    (bytes) => {
      for (const message of reader.take(bytes)) received.push(message as Message);
      for (const wake of waiting.splice(0)) wake();
    },
    () => {
      gone = true;
    },
  );
  let seq = 1;
  /** Takes the first message that fits, when it is there. */
  const take = async (fits: (m: Message) => boolean): Promise<Message> => {
    for (;;) {
      const at = received.findIndex(fits);
      if (at >= 0) return received.splice(at, 1)[0] as Message;
      await new Promise<void>((resolve) => waiting.push(resolve));
    }
  };
  const request = async (command: string, args: object = {}): Promise<Message> => {
    const number = seq++;
    server.take({ seq: number, type: 'request', command, arguments: args });
    return take((m) => m.type === 'response' && m.request_seq === number);
  };
  return {
    request,
    /** A request that succeeds; its body. */
    async ask(command: string, args: object = {}): Promise<Body> {
      const answer = await request(command, args);
      if (answer.success !== true) throw new Error(`${command}: ${answer.message}`);
      return answer.body;
    },
    async event(name: string): Promise<Body> {
      return (await take((m) => m.type === 'event' && m.event === name)).body;
    },
    /** Output up to now. */
    output(): string {
      const out = received.filter((m) => m.event === 'output');
      for (const m of out) received.splice(received.indexOf(m), 1);
      return out.map((m) => m.body.output).join('');
    },
    get gone() {
      return gone;
    },
  };
}
