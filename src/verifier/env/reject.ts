/** Ends verification: the reason is the log's last line, the errno what bpf(2) returns. @internal becomes the verdict of the verifier */
export class Reject extends Error {
  readonly errno: string;

  constructor(errno: string, reason: string) {
    super(reason);
    this.name = 'Reject';
    this.errno = errno;
  }
}
