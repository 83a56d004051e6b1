/** One connection of gdb: bytes to packets and back, one packet after the other, and Ctrl-C in the midst of them. */
import { framed, PacketReader } from './packet.ts';

export interface Wire {
  /** one character a byte */
  write(bytes: string): void;
  end(): void;
}

export interface Answer {
  /** packets to send, in order */
  readonly send: readonly string[];
  /** the connection is over */
  readonly ends?: boolean;
  /** from now on nothing is acknowledged */
  readonly withoutAcks?: boolean;
}

/** What answers packets. */
export interface Answering {
  handle(packet: string): Promise<Answer>;
  /** Ctrl-C: what runs ends where it is. */
  interrupt(): void;
}

export class GdbConnection {
  readonly #stub: Answering;
  readonly #wire: Wire;
  readonly #reader = new PacketReader();
  #acks = true;
  #last = '';
  /** what is answered, one after the other */
  #work: Promise<void> = Promise.resolve();
  #failed: (error: unknown) => void;

  /** `failed` is told of what no packet should cause */
  constructor(stub: Answering, wire: Wire, failed: (error: unknown) => void) {
    this.#stub = stub;
    this.#wire = wire;
    this.#failed = failed;
  }

  /** Bytes that arrived. */
  take(bytes: string): void {
    for (const received of this.#reader.take(bytes)) {
      switch (received.kind) {
        case 'interrupt':
          this.#stub.interrupt();
          break;
        case 'damaged':
          if (this.#acks) this.#wire.write('-');
          break;
        case 'again':
          if (this.#acks) this.#wire.write(this.#last);
          break;
        case 'packet':
          if (this.#acks) this.#wire.write('+');
          this.#work = this.#work.then(() => this.#answer(received.data)).catch(this.#failed);
      }
    }
  }
  async #answer(packet: string): Promise<void> {
    const { send, ends, withoutAcks } = await this.#stub.handle(packet);
    for (const data of send) {
      this.#last = framed(data);
      this.#wire.write(this.#last);
    }
    if (withoutAcks === true) this.#acks = false;
    if (ends === true) this.#wire.end();
  }
}
