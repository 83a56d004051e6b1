/** Loading and attaching, against a kernel that notes what it is asked. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { Btf, validateBtf } from '../../src/btf/index.ts';
import { writeObject } from '../../src/elf/index.ts';
import { readInsns } from '../../src/isa/index.ts';
import { BpfObject, NotModelledError, ObjectError, parseProbePoint, versionCode } from '../../src/object/index.ts';
import { haveShared, readShared, sharedPath } from '../support/shared.ts';
import { RecorderKernel } from './recorder.ts';

const fixture = (name: string): string => fileURLToPath(new URL(`../../fixtures/${name}`, import.meta.url));
const corpus = (name: string): string => sharedPath(`conformance/verifier/selftests/${name}.bpf.o`);
const vmlinux = haveShared ? Btf.parse(readShared('reference/6.12/vmlinux.btf.gz')) : undefined;
const config = haveShared ? Buffer.from(readShared('reference/6.12/config.gz')).toString('utf8') : undefined;
const kernel = (): RecorderKernel => new RecorderKernel(vmlinux, config);

describe('load', () => {
  it('creates maps, then loads programs with their descriptors', () => {
    const k = kernel();
    const loaded = BpfObject.open(fixture('opens.o')).load(k);
    const map = k.maps[0];
    expect(map?.request).toMatchObject({ type: 1, keySize: 4, valueSize: 8, name: loaded.object.maps[0]?.name });
    const program = k.programs[0];
    const references = readInsns(program?.insns as Uint8Array).filter((i) => i.code === 0x18 && i.src === 1);
    expect(references.length).toBeGreaterThan(0);
    expect(references.every((i) => i.imm === map?.fd)).toBe(true);
    expect(program).toMatchObject({ license: 'GPL', type: 2 });
    expect(program?.funcInfo?.[0]?.insnOff).toBe(0);
    expect(program?.lineInfo?.length).toBeGreaterThan(1);
    expect(validateBtf(k.btfLoads[0] as Uint8Array).ok).toBe(true);
  });

  it('loads only what is asked for', () => {
    const k = kernel();
    const object = BpfObject.open(fixture('openret.o'));
    const name = object.programs[0]?.name as string;
    const loaded = object.load(k, { programs: [name] });
    expect(Object.keys(loaded.programs)).toEqual([name]);
    expect(() => object.load(k, { programs: ['nope'] })).toThrow(/there is no program 'nope'; there are:/);
  });

  it('fills prog arrays declared with values', () => {
    const k = kernel();
    const loaded = BpfObject.open(fixture('tailcall.o')).load(k);
    const table = k.maps.find((m) => m.request.type === 3);
    const definition = loaded.object.maps.find((m) => m.type === 3);
    if (definition?.slots.length) {
      const [slot] = [...(table?.contents.values() ?? [])];
      expect(Object.values(loaded.programs).map((p) => p.fd)).toContain(
        new DataView((slot as Uint8Array).buffer).getUint32(0, true),
      );
    }
    expect(Object.keys(loaded.programs).length).toBe(2);
  });

  it('attaches kprobes through perf events, and detaches', () => {
    const k = kernel();
    const links = BpfObject.open(fixture('hello.o')).load(k).attach();
    expect(links).toMatchObject([{ method: 'kprobe', target: 'do_sys_openat2', offset: 0, onReturn: false }]);
    expect(k.perfEvents).toEqual([{ type: 'kprobe', func: 'do_sys_openat2', offset: 0, ret: false }]);
    expect(k.links[0]).toMatchObject({ attachType: 41 });
    links[0]?.detach();
    expect(k.detached).toBe(1);
  });

  it('says what is left for the user to attach', () => {
    const k = kernel();
    const loaded = BpfObject.open(fixture('xdp_count.o')).load(k);
    expect(loaded.attach()).toEqual([]);
    expect(loaded.notAttached).toHaveLength(1);
    const [program] = Object.values(loaded.programs);
    expect(() => program?.attach()).toThrow(/give targetFd/);
    program?.attach({ targetFd: 2 });
    expect(k.links[0]).toMatchObject({ target: 2, attachType: 37 });
  });

  const raw = (section: string): Uint8Array =>
    writeObject([
      {
        name: section,
        data: Buffer.from('b7000000000000009500000000000000', 'hex'),
        exec: true,
        symbols: [{ name: 'main', value: 0, size: 16 }],
      },
    ]);

  it.each([
    ['uprobe//bin/sh:main', NotModelledError, /user space/],
    ['usdt/libc:x', NotModelledError, /user space/],
    ['kprobe.multi/tcp_*', NotModelledError, /pattern 'tcp_\*'/],
    ['kretprobe/f+0x10', ObjectError, /no offset/],
    ['kprobe/a b', ObjectError, /'a b'/],
    ['tracepoint/sched_switch', ObjectError, /category\/event/],
  ])('SEC("%s") cannot be attached', (section, kind, message) => {
    const loaded = BpfObject.open(raw(section), { name: 'x.o' }).load(kernel());
    expect(() => loaded.attach()).toThrow(kind);
    expect(() => loaded.attach()).toThrow(message);
  });

  it.each([
    ['ksyscall/openat', { type: 'kprobe', func: '__x64_sys_openat', offset: 0, ret: false }],
    ['kretprobe/f', { type: 'kprobe', func: 'f', offset: 0, ret: true }],
    ['kprobe/f+0x10', { type: 'kprobe', func: 'f', offset: 16, ret: false }],
    ['tp/sched/sched_switch', { type: 'tracepoint', category: 'sched', event: 'sched_switch' }],
  ])('SEC("%s")', (section, event) => {
    const k = kernel();
    BpfObject.open(raw(section), { name: 'x.o' }).load(k).attach();
    expect(k.perfEvents).toEqual([event]);
  });

  it('detaches all if one cannot be attached', () => {
    const k = kernel();
    const object = BpfObject.open(
      writeObject([
        {
          name: 'kprobe/f',
          data: new Uint8Array(Buffer.from('b7000000000000009500000000000000', 'hex')),
          exec: true,
          symbols: [{ name: 'a', value: 0, size: 16 }],
        },
        {
          name: 'uprobe/x:y',
          data: new Uint8Array(Buffer.from('b7000000000000009500000000000000', 'hex')),
          exec: true,
          symbols: [{ name: 'b', value: 0, size: 16 }],
        },
      ]),
    );
    expect(() => object.load(k).attach()).toThrow(NotModelledError);
    expect(k.detached).toBe(1);
  });

  it('refuses a program whose section says nothing, unless its type is given', () => {
    const object = BpfObject.open(raw('whatever'), { name: 'x.o' });
    expect(() => object.load(kernel())).toThrow(/section whatever does not say/);
    const k = kernel();
    object.load(k, { types: { main: 1 } });
    expect(k.programs[0]?.type).toBe(1);
  });

  it('reads probe points and releases', () => {
    expect(parseProbePoint('f+010')).toEqual({ func: 'f', offset: 8 });
    expect(parseProbePoint('f.isra.0+12')).toEqual({ func: 'f.isra.0', offset: 12 });
    expect(parseProbePoint('f-1')).toBeUndefined();
    expect(versionCode('6.12.117+deb12-amd64')).toBe(0x060c75);
    expect(versionCode('6.1.999')).toBe(0x0601ff);
  });
});

describe.skipIf(!haveShared)('objects of the selftests', () => {
  it('global variables are read and written by name, before loading and after', () => {
    const object = BpfObject.open(corpus('test_skeleton'));
    expect(Object.keys(object.data)).toContain('in1');
    expect(object.data['in1']).toBe(-1);
    object.data['in1'] = 7;
    object.data['in2'] = 8n;
    object.bss['in3'] = 9;
    expect(() => {
      object.data['in1'] = 2n ** 40n;
    }).toThrow(/does not fit/);
    const k = kernel();
    const loaded = object.load(k);
    expect(loaded.data['in1']).toBe(7);
    expect(loaded.data['in2']).toBe(8n);
    loaded.bss['in3'] = 10;
    expect(loaded.bss['in3']).toBe(10);
    expect(loaded.kconfig['CONFIG_BPF_SYSCALL']).toBe(true);
    expect(loaded.kconfig['LINUX_KERNEL_VERSION']).toBe(0x060c75);
    const rodata = k.maps.find((m) => m.request.name.includes('.rodata'));
    expect(rodata).toMatchObject({ frozen: true });
  });

  it('map keys and values are plain objects', () => {
    const k = kernel();
    const loaded = BpfObject.open(corpus('test_btf_map_in_map')).load(k);
    expect(Object.keys(loaded.maps)).toContain('outer_arr');
    const outer = k.maps.find((m) => m.request.name === 'outer_arr');
    expect(outer?.request.innerMap).toBeGreaterThan(0);
    expect(outer?.contents.size).toBeGreaterThan(0);
    const inner = loaded.maps['inner_map1'];
    inner?.set(0, 5);
    expect(inner?.get(0)).toBe(5);
    expect([...(inner?.entries() ?? [])]).toEqual([[0, 5]]);
    inner?.delete(0);
    expect(inner?.get(0)).toBeUndefined();
    expect(() => inner?.set('x', 1)).toThrow(/integer/);
  });

  it('kconfig externs: strong ones need a value', () => {
    const object = BpfObject.open(corpus('test_core_extern'));
    const k = new RecorderKernel(vmlinux, config);
    const loaded = object.load(k, {
      kconfig:
        'CONFIG_TRISTATE=m\nCONFIG_BOOL=y\nCONFIG_CHAR=100\nCONFIG_USHORT=30000\nCONFIG_INT=123456\nCONFIG_ULONG=0xDEADBEEFC0DE\nCONFIG_STR="abracad"\nCONFIG_MISSING=1\n',
    });
    expect(loaded.kconfig['CONFIG_ULONG']).toBe(0xdeadbeefc0den);
    expect(loaded.kconfig['CONFIG_STR']).toBe('abracad');
    expect(loaded.kconfig['CONFIG_TRISTATE']).toBe('TRI_MODULE');
    expect(() => BpfObject.open(corpus('test_core_extern')).load(k, { kconfig: 'CONFIG_BOOL="text"\n' })).toThrow(
      /is a string/,
    );
    expect(() => BpfObject.open(corpus('test_core_extern')).load(k, { kconfig: 'CONFIG_USHORT=99999\n' })).toThrow(
      /does not fit/,
    );
    expect(() => BpfObject.open(corpus('test_core_extern')).load(k, { kconfig: 'CONFIG_BOOL=m\n' })).toThrow(
      /not a value of a bool/,
    );
  });

  it('names the function of the kernel that a program attaches to', () => {
    const k = kernel();
    BpfObject.open(corpus('recursion')).load(k);
    const program = k.programs.find((p) => p.attachBtf !== undefined);
    expect(vmlinux?.typeById(program?.attachBtf ?? 0).kind).toBe('func');
    expect(() => BpfObject.open(corpus('fentry_many_args')).load(kernel())).toThrow(
      /has no function 'bpf_testmod_fentry_test7'/,
    );
    expect(() => BpfObject.open(corpus('recursion')).load(new RecorderKernel())).toThrow(/BTF is not known/);
  });

  it('struct_ops maps carry the kernel type, programs their member', () => {
    const k = kernel();
    const loaded = BpfObject.open(corpus('bpf_cubic')).load(k);
    const map = k.maps.find((m) => m.request.type === 26);
    expect(vmlinux?.typeById(map?.request.btfVmlinuxValueTypeId ?? 0).name).toBe('bpf_struct_ops_tcp_congestion_ops');
    const program = k.programs.find((p) => p.type === 27);
    expect(vmlinux?.typeById(program?.attachBtf ?? 0).name).toBe('tcp_congestion_ops');
    expect(loaded.attach().map((l) => l.method)).toContain('struct_ops');
  });

  it('legacy maps of all forms', () => {
    const maps = (path: string) => BpfObject.open(sharedPath(`conformance/objects/samples/${path}`)).maps;
    const summary = (path: string): string[] =>
      maps(path)
        .filter((m) => m.origin === 'legacy')
        .map((m) => `${m.name} ${m.type} ${m.keySize} ${m.valueSize} ${m.maxEntries}`);
    expect(summary('linux/xdp2_kern.o')).toEqual(['rxcnt 6 4 8 256']);
    expect(summary('cilium/bpf_lb.o').length).toBeGreaterThan(3);
    expect(summary('ovs/datapath.o')).toHaveLength(9);
    const outer = maps('linux/test_map_in_map_kern.o').find((m) => m.type === 12 || m.type === 13);
    expect(outer?.inner?.name).toBeDefined();
  });
});

describe('what is loaded answers for the kernel too', () => {
  it('maps take bytes and values, programs have what the kernel gives them', () => {
    const k = kernel();
    const loaded = BpfObject.open(fixture('opens.o')).load(k);
    const name = loaded.object.maps[0]?.realName as string;
    const map = loaded.maps[name];
    map?.update(7, 3n);
    expect(map?.lookup(7)).toBe(3n);
    expect(map?.lookup(Uint8Array.of(7, 0, 0, 0))).toEqual(Uint8Array.of(3, 0, 0, 0, 0, 0, 0, 0));
    expect(map?.request).toBe(k.maps[0]?.request);
  });

  it('per-CPU maps give an array by CPU', () => {
    const k = kernel();
    const object = BpfObject.open(fixture('opens.o'));
    const definition = object.maps[0];
    if (definition) definition.type = 5;
    const map = object.load(k).maps[definition?.realName ?? ''];
    map?.set(1, [10n, 20n]);
    expect(map?.get(1)).toEqual([10n, 20n, 0n, 0n]);
    map?.set(1, 5n);
    expect(map?.get(1)).toEqual([5n, 5n, 5n, 5n]);
  });

  it('closes what it opened', () => {
    const k = kernel();
    const loaded = BpfObject.open(fixture('hello.o')).load(k);
    loaded.attach();
    loaded.close();
    expect(k.detached).toBe(1);
    // and each link with its perf event
    expect(k.closed.size).toBe(k.maps.length + k.programs.length + k.btfLoads.length + 2 * k.links.length);
  });
});

describe('pinning and patterns', () => {
  it.skipIf(!haveShared)('a map pinned by name is found again, and refused in another shape', () => {
    const path = sharedPath('conformance/objects/samples/cilium-examples/kprobepin_bpf_bpfel.o');
    const k = kernel();
    BpfObject.open(path).load(k);
    const [pinned] = [...k.pins.keys()];
    expect(pinned).toBe('/sys/fs/bpf/kprobe_map');
    BpfObject.open(path).load(k);
    expect(k.maps).toHaveLength(1);
    const other = BpfObject.open(path);
    const map = other.maps[0];
    if (map) map.maxEntries = 99;
    expect(() => other.load(k)).toThrow(/pinned at \/sys\/fs\/bpf\/kprobe_map has another type or size/);
  });

  it('a pattern of functions becomes their names', () => {
    const k = kernel();
    k.functions = ['tcp_v4_rcv', 'tcp_sendmsg', 'udp_rcv'];
    const bytes = writeObject([
      {
        name: 'kprobe.multi/tcp_*',
        data: Buffer.from('b7000000000000009500000000000000', 'hex'),
        exec: true,
        symbols: [{ name: 'main', value: 0, size: 16 }],
      },
    ]);
    BpfObject.open(bytes).load(k).attach();
    expect(k.links[0]).toMatchObject({ kprobeMulti: { symbols: ['tcp_v4_rcv', 'tcp_sendmsg'], flags: 0 } });
    k.functions = ['udp_rcv'];
    expect(() => BpfObject.open(bytes).load(k).attach()).toThrow(/no function of the kernel matches/);
  });

  it('bytes of an event become an object', () => {
    const object = BpfObject.open(fixture('opensnoop.o'));
    const bytes = new Uint8Array(96);
    bytes[0] = 42;
    bytes.set(Buffer.from('cat'), 16);
    expect(object.decode('event', bytes)).toMatchObject({ pid: 42, comm: 'cat', filename: '' });
    expect(() => object.decode('nothing', bytes)).toThrow(/no type 'nothing'/);
  });
});

describe('refusals', () => {
  it('an object of nothing', () => {
    expect(() => BpfObject.open(writeObject([]), { name: 'e.o' }).load(kernel())).toThrow(/neither programs nor maps/);
  });
  it('a file that is not there', () => {
    expect(() => BpfObject.open('/nonexistent.o')).toThrow(/ENOENT/);
  });
  it('a source file', () => {
    expect(() => BpfObject.open(readFileSync(fixture('hello.c')), { name: 'hello.c' })).toThrow(
      /hello\.c: not an ELF file/,
    );
  });
});
