/** A kind of refusal, with a short program that meets it and the same made right. */
export interface Topic {
  /** as it is asked for: `null-check` */
  readonly name: string;
  readonly title: string;
  /** what it is about, in a few sentences */
  readonly about: string;
  /** messages of the verifier that are of this kind */
  readonly messages: readonly RegExp[];
  /**
   * Programs; `counts` is a hash map of __u64 by __u32, LICENSE is "GPL" where it is not said. Text of BPF assembly where C
   * does not lead there.
   */
  readonly wrong: string;
  readonly right: string;
  readonly language?: 'asm';
}
