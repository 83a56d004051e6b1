/** `ebpf-emu dump text`, `trampoline`, `chain`: what attaching wrote into the kernel, and the way that leads through it. */

import type { Kernel } from '../../../kernel-sim/index.ts';
import { Session } from '../../debug/index.ts';
import { nearIt } from '../../errors/near.ts';
import type { AttachedLink } from '../../object/index.ts';
import { chainText, functionBytes, textDump, trampolineDump } from '../../show/index.ts';
import { sessionOptions } from '../debugging.ts';
import { UserError } from '../errors.ts';
import { loadOptions } from '../loading.ts';
import { boot, openInput } from '../session.ts';
import { warn } from '../style.ts';
import { print } from '../terminal.ts';
import type { DumpOptions } from './dump-options.ts';

/** @param operand function of the kernel; of trampoline an object, too */
export async function dumpText(what: 'text' | 'trampoline', operand: string, options: DumpOptions): Promise<void> {
  const isObject = what === 'trampoline' && /\.(?:o|c)$/.test(operand);
  const files = [...(isObject ? [operand] : []), ...(options.attached ?? [])];
  const kernel = await boot(options);
  const before = isObject ? undefined : functionBytes(kernel, operand);
  if (!isObject && !before) throw unknown(kernel, operand);
  const links: AttachedLink[] = [];
  for (const file of files) links.push(...(await attach(kernel, file, options)));
  if (what === 'text' && before) {
    print(textDump(kernel, before, links));
    return;
  }
  const wanted = links.filter((link) => isObject || link.target.includes(operand));
  const text = trampolineDump(kernel, wanted);
  if (text === '')
    throw new UserError(
      files.length === 0
        ? 'nothing is attached: say what with --attached prog.o'
        : 'no trampoline is there: nothing was attached through ftrace or by fentry and fexit',
    );
  print(text);
}

async function attach(kernel: Kernel, file: string, options: DumpOptions): Promise<AttachedLink[]> {
  const object = await openInput(file, kernel, options);
  const loaded = object.load(kernel, loadOptions(object, options));
  const links = loaded.attach({ keepGoing: true, ifindex: kernel.net.devices.lo.index });
  for (const { why } of loaded.skipped) warn(`passed over: ${why}`);
  return links;
}

const unknown = ({ symbols }: Kernel, name: string): UserError => {
  return new UserError(`no kernel function ${name}${nearIt(symbols.near(name))}`);
};

/** From the patched place to the program and back, as a recording goes it. */
export async function dumpChain(file: string, options: DumpOptions): Promise<void> {
  const session = await Session.open(await sessionOptions(file, options));
  try {
    const text = chainText(session);
    if (text === undefined)
      throw new UserError('no program was reached: nothing in the recording hits one (--replay names another)');
    print(text);
  } finally {
    session.close();
  }
}
