/** The kernel's text before and after programs are attached; listings that put a program's stages beside each other. */
import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { Kernel } from '../../kernel-sim/index.ts';
import { Session } from '../../src/debug/index.ts';
import { BpfObject, type LoadedObject } from '../../src/object/index.ts';
import { readStrace } from '../../src/replay/index.ts';
import {
  annotate,
  annotatedHtml,
  annotatedText,
  chainText,
  functionBytes,
  textDump,
  trampolineDump,
} from '../../src/show/index.ts';

const file = (name: string): Buffer => readFileSync(new URL(`../../fixtures/${name}`, import.meta.url));
const load = (kernel: Kernel, name: string): LoadedObject<Kernel> =>
  BpfObject.open(file(`${name}.o`), { name: `${name}.o` }).load(kernel, { logLevel: 2 });

describe('text', () => {
  it('a patch is decoded with what it calls, and says why it is where it is', async () => {
    const kernel = await Kernel.boot();
    const before = functionBytes(kernel, 'do_sys_openat2');
    expect(functionBytes(kernel, 'no_such_function')).toBeUndefined();
    const links = load(kernel, 'opens').attach();
    const text = textDump(kernel, before as NonNullable<typeof before>, links);
    expect(text).toMatch(/^- ffffffff[0-9a-f]{8} +0: {2}0f 1f 44 00 00 +nopl {3}0x0\(%rax,%rax,1\)$/m);
    expect(text).toMatch(/^\+ .* call {3}ffffffffc0[0-9a-f]{6} <ftrace trampoline of do_sys_openat2>$/m);
    expect(text).toContain('(kprobe) at +0: nothing calls the function indirectly, so it has no endbr64');
    const trampoline = trampolineDump(kernel, links);
    expect(trampoline).toMatch(/^ftrace trampoline of do_sys_openat2: 321 bytes/);
    expect(trampoline).toMatch(/call {3}ffffffff[0-9a-f]{8} <kprobe_ftrace_handler>/);
  });

  it('behind endbr64 the nop is at +4; what is not touched has no mark', async () => {
    const kernel = await Kernel.boot();
    const open = functionBytes(kernel, '__x64_sys_openat') as NonNullable<ReturnType<typeof functionBytes>>;
    const other = functionBytes(kernel, 'vfs_read') as typeof open;
    const links = load(kernel, 'openperf').attach();
    expect(textDump(kernel, open, links)).toMatch(/\(kprobe\) at \+4: the function begins with endbr64/);
    expect(textDump(kernel, other, links)).toContain('nothing of it was patched');
    expect(textDump(kernel, other, links)).not.toMatch(/^[-+]/m);
  });

  it('the chain leads from the site to the image and back', async () => {
    const session = await Session.open({
      object: file('hello.o'),
      name: 'hello.o',
      recording: readStrace(file('traces/python3.strace').toString()).trace,
    });
    const rows = (chainText(session) ?? '').split('\n').map((line) => line.split(/\s+/)[0]);
    expect(rows.slice(2, 6)).toEqual(['entry', 'kernel', 'kernel', 'site']);
    expect(rows[6]).toBe('trampoline');
    expect(rows.indexOf('image')).toBeGreaterThan(6);
    expect(rows.lastIndexOf('entry')).toBeGreaterThan(rows.indexOf('back:'));
    session.close();
  });
});

describe('beside each other', () => {
  let kernel: Kernel;
  let loaded: LoadedObject<Kernel>;
  beforeAll(async () => {
    kernel = await Kernel.boot();
    loaded = load(kernel, 'xdp_count');
  });
  const model = () => {
    const [program] = Object.values(loaded.programs);
    return annotate(kernel, program as NonNullable<typeof program>, loaded.object.model.btf);
  };

  it('C, BPF, what the verifier knew, x86', () => {
    const { name, rows } = model();
    expect(name).toBe('count_packets');
    const lookup = rows.find(
      (r) => r.bpf.includes('percpu_array') || r.bpf.includes('map_lookup') || r.bpf.includes('r0 = '),
    );
    expect(lookup).toBeDefined();
    expect(rows[0]?.x86.length).toBeGreaterThan(5);
    expect(rows.some((r) => r.states.some((s) => /R\d+=pkt\(/.test(s)))).toBe(true);
    // every byte of the image is in a row
    const bytes = rows.flatMap((r) => r.x86).reduce((sum, x) => sum + x.bytes.split(' ').length, 0);
    expect(bytes).toBe(Object.values(loaded.programs)[0]?.handle.jited.length);
    expect(annotatedText(model()).split('\n')[1]).toMatch(/^C +BPF +verifier +x86$/);
  });

  it('as one page that needs no other', () => {
    const html = annotatedHtml('<xdp>', [model()]);
    expect(html).toContain('<title>&lt;xdp&gt;</title>');
    expect(html).not.toMatch(/<script|src=|href=/);
    expect(html.match(/<tr/g)?.length).toBe(model().rows.length + 1);
  });
});
