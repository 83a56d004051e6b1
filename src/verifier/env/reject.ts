/** Ends verification: the reason is the log's last line, the errno what bpf(2) returns. */
export class Reject extends Error {
  readonly errno: string;

  constructor(errno: string, reason: string) {
    super(reason);
    this.name = 'Reject';
    this.errno = errno;
  }
}

/** Something of Linux that this verifier does not have: the input is not judged. */
export class NotModelledError extends Error {
  constructor(what: string) {
    super(`the verifier does not model ${what}`);
    this.name = 'NotModelledError';
  }
}
