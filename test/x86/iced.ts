/** iced-x86 as the second opinion on lengths, validity and text. */
import * as iced from 'iced-x86';

const decoder = new iced.Decoder(64, new Uint8Array(16), iced.DecoderOptions.None);
const instruction = new iced.Instruction();

export interface IcedInsn {
  readonly valid: boolean;
  readonly length: number;
  /** `add r/m64, r64`-like instruction string of the manual */
  readonly code: number;
  readonly mnemonic: number;
}

/** Decodes the instruction at the start of `bytes` (at most 15 are looked at). */
export function icedDecode(bytes: Uint8Array): IcedInsn {
  const d = new iced.Decoder(64, bytes.slice(0, 15), iced.DecoderOptions.None);
  d.decodeOut(instruction);
  const result = { valid: !instruction.isInvalid, length: instruction.length, code: instruction.code, mnemonic: instruction.mnemonic };
  d.free();
  return result;
}

void decoder;
/** Name of an iced code (`Add_rm64_r64`). */
export const icedCodeName = (code: number): string => iced.Code[code] as string;
export const icedMnemonicName = (mnemonic: number): string => iced.Mnemonic[mnemonic] as string;
