/** A kernel to load into, as the data that relocating asks for. */
import type { Btf } from '../btf/index.ts';
import type { ObjectKernel } from './bpf-interface.ts';
import type { Target } from './target.ts';

/** LINUX_VERSION_CODE of a release: `6.12.117-1` is 0x060c75. */
export function versionCode(release: string): number {
  const [major = 0, minor = 0, patch = 0] = (/^(\d+)\.(\d+)(?:\.(\d+))?/.exec(release)?.slice(1) ?? []).map((part) =>
    Number(part ?? 0),
  );
  return (major << 16) | (minor << 8) | Math.min(patch, 255);
}

/** A kernel as something to relocate for. */
export function targetOf(
  kernel: ObjectKernel,
  options: { readonly btf?: Btf; readonly kconfig?: string } = {},
): Target {
  const { symbols } = kernel;
  return {
    // Both take milliseconds, and most objects need neither.
    get btf() {
      return kernel.btf;
    },
    get config() {
      return kernel.config;
    },
    coreBtf: options.btf,
    symbol: (name) => {
      const address = symbols?.find?.(name)?.address ?? symbols?.address(name);
      return address === undefined ? undefined : BigInt.asUintN(64, BigInt(address));
    },
    kconfig: options.kconfig,
    version: versionCode(kernel.release),
  };
}
