/** The folder of the package, wherever the bundler put this code: where `fixtures` lies. */
import { existsSync } from 'node:fs';

export function packageRoot(): URL {
  let folder = new URL('.', import.meta.url);
  while (!existsSync(new URL('package.json', folder))) {
    const up = new URL('..', folder);
    if (up.href === folder.href) throw new Error('no package.json above the installed files');
    folder = up;
  }
  return folder;
}
