/** One attachment under way, and what every way of attaching does. */
import type { Schema } from '../errors/argument.ts';
import * as is from '../errors/checks.ts';
import { NotModelledError } from '../errors/index.ts';
import { attachType } from '../uapi/index.ts';
import type { LinkHandle, MapHandle, ObjectKernel, ProgHandle } from './bpf-interface.ts';
import { ObjectError } from './error.ts';
import type { ProgramDef } from './model.ts';
import type { UsdtSpecs } from './user/usdt.ts';

/** What to attach to where the section's name does not say. */
export interface AttachOptions {
  /** function, tracepoint or whatever the section's name would have after the `/` */
  readonly target?: string;
  /** descriptor of a cgroup, perf event, map or netns, or an interface's index */
  readonly targetFd?: number;
  /** value of bpf_get_attach_cookie() */
  readonly cookie?: bigint;
  readonly flags?: number;
  /** uprobes: only in this process */
  readonly pid?: number;
  /** iterators: `union bpf_iter_link_info`, what to go over */
  readonly iterInfo?: Uint8Array;
}

export const ATTACH_OPTIONS: Schema<AttachOptions> = {
  target: is.text,
  targetFd: is.bits32,
  cookie: is.u64,
  flags: is.bits32,
  pid: is.bits32,
  iterInfo: is.bytes,
};

export interface Request {
  readonly object: string;
  readonly program: ProgramDef;
  readonly handle: ProgHandle;
  readonly kernel: ObjectKernel;
  readonly options: AttachOptions;
  /** a map of the object, by its name */
  readonly maps: (name: string) => { readonly handle: MapHandle; readonly maxEntries: number } | undefined;
  readonly usdt: UsdtSpecs;
}

export interface Attached {
  readonly link: LinkHandle;
  /** descriptor of the perf event that the link is on */
  readonly event?: number;
  readonly target: string;
  readonly offset: number;
  /** told when it is detached */
  readonly released?: () => void;
}

export const failure = (r: Request, message: string): ObjectError =>
  new ObjectError(r.object, `program '${r.program.name}'`, message);
export const notModelled = (r: Request, what: string): NotModelledError =>
  new NotModelledError('', what, `${r.object}: program '${r.program.name}'`);

export const targetOf = (r: Request): string | undefined =>
  r.options.target ?? (r.program.target === '' ? undefined : r.program.target);
export const cookieOf = (r: Request): { cookie?: bigint } =>
  r.options.cookie === undefined ? {} : { cookie: r.options.cookie };

export function createLink(r: Request, targetFd: number | undefined, type: number, extra: object = {}): LinkHandle {
  if (!r.kernel.bpf.linkCreate) throw notModelled(r, 'BPF_LINK_CREATE');
  return r.kernel.bpf.linkCreate({
    prog: r.handle.fd,
    attachType: type,
    ...(targetFd === undefined ? {} : { target: targetFd }),
    ...(r.options.flags === undefined ? {} : { flags: r.options.flags }),
    ...(r.options.iterInfo === undefined ? {} : { iterInfo: r.options.iterInfo }),
    ...cookieOf(r),
    ...extra,
  });
}

export function perfLink(
  r: Request,
  attr: Parameters<NonNullable<ObjectKernel['perf']>['open']>[0],
  pid = -1,
): { link: LinkHandle; event: number } {
  if (!r.kernel.perf) throw notModelled(r, 'perf_event_open');
  const { fd: event } = r.kernel.perf.open(attr, pid, 0);
  try {
    return { link: createLink(r, event, attachType('perf_event')), event };
  } catch (error) {
    r.kernel.bpf.close?.(event);
    throw error;
  }
}
