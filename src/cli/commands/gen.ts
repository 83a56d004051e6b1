/** `ebpf-emu gen types`: the TypeScript type of an object. */
import { BpfObject, genTypes } from '../../object/index.ts';

import { encodeUtf8 } from '../../platform/index.ts';
import { UserError } from '../errors.ts';
import { readInput, writeOutput } from '../files.ts';
import { print } from '../terminal.ts';

export interface GenTypesOptions {
  readonly output?: string;
  readonly name?: string;
}

export function types(file: string, options: GenTypesOptions): void {
  const { name, output } = options;
  if (name !== undefined && !/^[A-Za-z_$][\w$]*$/.test(name)) throw new UserError(`'${name}' is no name for a type`);
  const { model } = BpfObject.open(readInput(file), { name: file.slice(file.lastIndexOf('/') + 1) });
  if (!model.btf) throw new UserError(`${file}: it has no BTF, which says the types; compile it with clang -g`);
  const text = genTypes(model, name);
  if (output === undefined) print(text);
  else writeOutput(output, encodeUtf8(text));
}
