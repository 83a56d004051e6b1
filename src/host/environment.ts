/** What the command finds around it: tools of administrators on its path, and a sudo that runs what it is given. */
import type { PrivateDir } from './private-dir.ts';

/** Privileges cannot be raised here, and need not be. */
const SUDO = `#!/bin/sh
echo 'ebpf-emu: sudo is not needed here: running the command as it is' >&2
while [ $# -gt 0 ]; do
  case "$1" in
    --) shift; break ;;
    -u|-g|-h|-p|-C|-T) shift 2 ;;
    -*|*=*) shift ;;
    *) break ;;
  esac
done
exec "$@"
`;

export function environment(env: NodeJS.ProcessEnv, dir: PrivateDir): NodeJS.ProcessEnv {
  const { PATH = '/usr/bin:/bin' } = env;
  return { ...env, PATH: `${dir.script('sudo', SUDO)}:${PATH}:/usr/local/sbin:/usr/sbin:/sbin` };
}
