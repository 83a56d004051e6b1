/** Damaged recordings: what editors, broken disks, other programs' output and malice make of strace's text. */
import type { Rng } from './rng.ts';

const NUMBERS = [
  '0',
  '-1',
  '1',
  '00',
  '4194303',
  '4194304',
  '4294967296',
  '18446744073709551615',
  '18446744073709551616',
  '0xffffffffffffffff',
  '0x1ffffffffffffffff',
  '9'.repeat(310),
  '1<<63',
  '1<<100000000000',
  '1e9',
  '0x',
];
const TOKENS = [
  '"',
  '\\',
  '<',
  '>',
  '->',
  '{',
  '}',
  '[',
  ']',
  '(',
  ')',
  '/*',
  '*/',
  '=',
  ' = ',
  ' = ?',
  ' <unfinished ...>',
  '<... read resumed>',
  '<... clone resumed>',
  ' resumed>',
  '+++ exited with 0 +++',
  '+++ killed by SIGKILL +++',
  '+++ superseded by execve in pid 3 +++',
  '--- SIGCHLD {} ---',
  'strace: Process 7 attached',
  '% time     seconds',
  ' > /lib/libc.so.6(x+0x1) [0x1]',
  'fork(',
  'clone(',
  'clone(child_stack=NULL, flags=CLONE_THREAD|CLONE_VM) = 7',
  'vfork() = 9',
  'execve("/x", ["x"], 0x1 /* 3 vars */) = 0',
  'exit_group(0) = ?',
  'connect(3, {sa_family=AF_INET, sin_port=htons(80), sin_addr=inet_addr("10.0.0.1")}, 16) = -1 EINPROGRESS (x)',
  '[pid 7] ',
  '[pid 0] ',
  '7     ',
  '12:00:01 ',
  '1795348740.5 ',
  '     0.000001 ',
  '(+     0.1) ',
  'a=',
  '\ufeff',
  '\r',
  '\0',
  '\x1b[31m',
  '\u{1f600}',
];

/** Damages a recording's lines. */
export function damage(lines: readonly string[], others: readonly string[], rng: Rng): Uint8Array {
  const out = [...lines];
  const at = (): number => rng.below(out.length);
  const rounds = 1 + rng.below(12);
  for (let n = 0; n < rounds && out.length > 0; n++) {
    const i = at();
    const line = out[i] as string;
    const cut = rng.below(line.length + 1);
    switch (rng.below(13)) {
      case 0:
        out.splice(i, 1 + rng.below(4));
        break;
      case 1:
        out.splice(i, 0, ...out.slice(i, i + 1 + rng.below(6)));
        break;
      case 2:
        out.splice(at(), 0, ...out.splice(i, 1));
        break;
      case 3:
        out.splice(i, 0, others[rng.below(others.length)] as string);
        break;
      case 4:
        out[i] = line.slice(0, cut);
        break;
      case 5:
        out[i] = line.slice(0, cut) + (out[at()] as string).slice(cut);
        break;
      case 6:
        out[i] = line.slice(0, cut) + TOKENS[rng.below(TOKENS.length)] + line.slice(cut);
        break;
      case 7:
        out[i] = line.slice(0, cut) + TOKENS[rng.below(TOKENS.length)] + line.slice(cut + 1 + rng.below(8));
        break;
      case 8: {
        let k = rng.below(6);
        out[i] = line.replace(/\d+/g, (m) => (k-- === 0 ? (NUMBERS[rng.below(NUMBERS.length)] as string) : m));
        break;
      }
      case 9:
        out[i] =
          line.slice(0, cut) +
          (TOKENS[rng.below(TOKENS.length)] as string).repeat(1 + rng.below(3000)) +
          line.slice(cut);
        break;
      case 10:
        // another task's
        out[i] = line.replace(/\d+/, String(1 + rng.below(40)));
        break;
      case 11:
        out[i] = `${TOKENS[rng.below(TOKENS.length)]}${line}`;
        break;
      default:
        out[i] = String.fromCharCode(...Array.from({ length: rng.below(80) }, () => rng.below(256)));
    }
  }
  const bytes = new TextEncoder().encode(out.join(rng.below(20) === 0 ? '\r' : rng.below(20) === 0 ? '\r\n' : '\n'));
  for (let n = rng.below(8) === 0 ? rng.below(20) : 0; n > 0; n--) bytes[rng.below(bytes.length)] = rng.below(256);
  return bytes;
}
