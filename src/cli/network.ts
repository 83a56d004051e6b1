/** Options about the network: which devices there are, which packets arrive, and where what leaves is written. */
import type { Kernel, NetDevice } from '../../kernel-sim/index.ts';
import { type Capture, LINKTYPE_ETHERNET, readCapture, writeCapture } from '../replay/index.ts';
import { UserError } from './errors.ts';
import { readInput, writeOutput } from './files.ts';
import { out } from './standard.ts';
import { plural, stage, warn } from './style.ts';
import { escapeControls } from './terminal.ts';

export interface NetworkOptions {
  /** `eth0=10.0.0.2/24`, `veth0@veth1=10.1.0.1/24`, `dummy0`, several with commas */
  readonly net?: readonly string[];
  /** `eth0=in.pcap` */
  readonly pcap?: readonly string[];
  readonly pcapOut?: string;
  /** `/pod1=pid:100` */
  readonly cgroup?: readonly string[];
  /** device that programs of XDP and tc are attached to */
  readonly dev?: string;
}

/** `name=value`, of which either may be left out where the option says so. */
function pairOf(text: string): readonly [name: string, value: string | undefined] {
  const at = text.indexOf('=');
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)];
}

/** Makes the devices of `--net`. @throws KernelError for names and addresses that cannot be */
export function addDevices(kernel: Kernel, { net = [] }: NetworkOptions): void {
  const { devices } = kernel.net;
  for (const one of net) {
    const [names, address] = pairOf(one);
    const addresses = address === undefined ? [] : [address];
    const [name = '', peer] = names.split('@');
    if (peer !== undefined) devices.addVeth(name, peer, { addresses });
    else if (name === 'lo') devices.addAddresses(devices.lo, addresses);
    else devices.add(name, { kind: name.startsWith('dummy') ? 'dummy' : 'ethernet', addresses });
  }
}

/** Makes the groups of `--cgroup`, and those above them. @throws UserError for what is no path, or no pid */
export function addCgroups(kernel: Kernel, { cgroup = [] }: NetworkOptions): void {
  const make = (path: string): void => {
    if (path === '' || kernel.cgroups.has(path)) return;
    make(path.slice(0, path.lastIndexOf('/')));
    kernel.cgroups.mkdir(path);
  };
  for (const one of cgroup) {
    const [path, member] = pairOf(one);
    const pid = member === undefined ? undefined : /^pid:(\d+)$/.exec(member)?.[1];
    if (!/^(\/[^/]+)+$/.test(path) || (member !== undefined && pid === undefined))
      throw new UserError(`--cgroup ${one}: it takes a path and a task, as /pod1=pid:100`);
    make(path);
    if (pid !== undefined) kernel.cgroups.move(path, Number(pid));
  }
}

/** The device of a name. @throws UserError naming those that there are */
export function deviceNamed(kernel: Kernel, name: string): NetDevice {
  const device = kernel.net.devices.named(name);
  if (device) return device;
  const known = kernel.net.devices.all().map((one) => one.name);
  throw new UserError(
    `no network device ${name}; there ${known.length === 1 ? 'is' : 'are'} ${known.join(', ')} (--net makes more)`,
  );
}

interface Arrivals {
  readonly device: NetDevice;
  readonly file: string;
  readonly capture: Capture;
}

/** Reads the captures of `--pcap`. @throws UserError, RecordingError */
export function openCaptures(kernel: Kernel, { pcap = [] }: NetworkOptions): readonly Arrivals[] {
  return pcap.map((one) => {
    const [name, file] = pairOf(one);
    if (file === undefined) throw new UserError(`--pcap ${one}: it takes a device and a file, as eth0=in.pcap`);
    return { device: deviceNamed(kernel, name), file, capture: ethernetCapture(file) };
  });
}
/** A capture of Ethernet frames. @throws UserError for other links */
export function ethernetCapture(file: string): Capture {
  const capture = readCapture(readInput(file), file);
  if (capture.linkType !== LINKTYPE_ETHERNET)
    throw new UserError(`${file}: its packets are of link type ${capture.linkType}, not Ethernet (1)`);
  if (capture.truncated)
    warn(`${file}: it ends in the middle of a packet; ${plural(capture.packets.length, 'packet')} were read`);
  return capture;
}

/** frames that a softirq is given at once */
const BATCH = 1024;

/** Books about what arrives, leaves and is dropped. */
export class Traffic {
  readonly #kernel: Kernel;
  readonly #counts = new Map<string, number>();
  readonly #left: { readonly time: bigint; readonly bytes: Uint8Array }[] = [];
  readonly #out: string | undefined;
  constructor(kernel: Kernel, { pcapOut }: NetworkOptions) {
    this.#kernel = kernel;
    this.#out = pcapOut;
    kernel.net.events.add(({ what, device, frame, by }) => {
      this.#count(what === 'sent' ? `sent by ${device?.name}` : `dropped on ${device?.name ?? 'no device'} by ${by}`);
      if (what === 'sent' && pcapOut !== undefined)
        this.#left.push({ time: kernel.clock.realtime(), bytes: frame.slice() });
    });
  }
  #count(what: string): void {
    this.#counts.set(what, (this.#counts.get(what) ?? 0) + 1);
  }
  /** The packets of captures, each at its time, the first of all now. */
  arrive(arrivals: readonly Arrivals[]): void {
    const { net, clock } = this.#kernel;
    for (const { device, file, capture } of arrivals) {
      const start = clock.now;
      const first = capture.packets[0]?.time ?? 0n;
      for (let n = 0; n < capture.packets.length; n += BATCH) {
        const batch = capture.packets.slice(n, n + BATCH);
        const at = start + Number((batch[0] as { time: bigint }).time - first);
        if (at > clock.now) clock.now = at;
        net.inject(
          device,
          batch.map(({ bytes }) => bytes),
        );
      }
      out.write(escapeControls(this.#kernel.tracePipe.read()));
      stage('net', `${plural(capture.packets.length, 'packet')} of ${file} arrived at ${device.name}`);
    }
  }
  /** What became of the packets, a line each; and the file of what left. */
  finish(): void {
    for (const [what, count] of this.#counts) stage('net', `${plural(count, 'packet')} ${what}`);
    if (this.#out === undefined) return;
    writeOutput(this.#out, writeCapture(this.#left));
    stage('net', `${plural(this.#left.length, 'packet')} written to ${this.#out}`);
  }
}
