/**
 * The way to a program and back, as the machine went it: the patched site, the trampoline, what the kernel calls from
 * there, the image, the helpers that the image calls, and where each returns to.
 */
import type { Session } from '../debug/index.ts';
import { imageCalls } from '../debug/program/calls.ts';
import { type Addr, formatAddr } from '../machine/addr.ts';
import { codeLines, type NameOf, naming, probesOf } from './code.ts';

type Step = { readonly what: string; readonly at: Addr; readonly text: string };

const CALL_LENGTHS = [5, 2, 3, 6, 7];

/** The call in front of a return address. */
function callBefore(session: Session, to: Addr, name: NameOf): { readonly at: Addr; readonly text: string } {
  const { kernel } = session;
  for (const length of CALL_LENGTHS) {
    const [line, ...more] = codeLines(kernel, to - length, length, name);
    if (line && more.length === 0 && /^call/.test(line.text))
      return { at: line.address, text: line.text.replace(/\s+/g, ' ') };
  }
  return { at: to, text: '' };
}

const KINDS: Readonly<Record<string, string>> = {
  user: 'user',
  entry: 'entry',
  kernel: 'kernel',
  trampoline: 'trampoline',
  image: 'image',
  helper: 'helper',
};

/** The chain to the program that is about to run; a session stands there once it is opened. undefined where nothing reached one */
export function chainText(session: Session): string | undefined {
  const { kernel, frames, places, programs, links, stop } = session;
  const name = naming(kernel, links);
  const image = programs.at(kernel.cpu.rip);
  if (image === undefined) return undefined;
  const patched = new Set(links.flatMap((link) => probesOf(link)).map((p) => p.address));
  const { current } = kernel.tasks;
  const call = current.call === undefined ? '' : ` in ${current.call.name}()`;
  const out = [
    `${image.program.name}, first reached by ${current.comm}-${current.pid}${call} after ${stop.count} instructions`,
    '',
  ];
  // frames are innermost first; each but the innermost is where its callee returns to
  const outward = [...frames].slice(1).reverse();
  for (const { place } of outward) {
    const { at, text } = callBefore(session, place.rip, name);
    const kind = patched.has(at) ? 'site' : (KINDS[place.world] ?? place.world);
    out.push(row({ what: kind, at, text }, places.name(at)));
  }
  const entry = image.func;
  out.push(
    row(
      {
        what: 'image',
        at: entry.address,
        text: `${entry.bytes.length} bytes, ${image.program.view.xlated.length / 8} BPF instructions`,
      },
      entry.name,
    ),
  );
  const own = imageCalls(programs).filter((c) => c.at >= entry.address && c.at < entry.address + entry.bytes.length);
  for (const { at, target, next } of own) {
    const slot = programs.at(at)?.slot;
    out.push(
      row(
        {
          what: '  helper',
          at,
          text: `call ${formatAddr(target)} <${name(target) ?? '?'}>, back at ${formatAddr(next)}, BPF ${slot ?? '?'}`,
        },
        places.name(at),
      ),
    );
  }
  out.push('', 'back:');
  for (const { place } of frames.slice(1))
    out.push(row({ what: KINDS[place.world] ?? place.world, at: place.rip, text: '' }, places.name(place.rip)));
  return `${out.join('\n')}\n`;
}

const row = ({ what, at, text }: Step, symbol: string): string =>
  `${what.padEnd(11)} ${formatAddr(at)} ${symbol}${text === '' ? '' : `  ${text}`}`;
