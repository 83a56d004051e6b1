/** C with vmlinux.h and CO-RE, compiled by the user's clang against the BTF of a whole kernel. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { Btf } from '../../src/btf/index.ts';
import { compile, findClang } from '../../src/object/clang.ts';
import { openObject } from '../../src/object/open.ts';
import { Relocator } from '../../src/object/relocate.ts';
import { referenceTarget } from '../object/corpus.ts';
import { haveShared } from '../support/shared.ts';

let clang: string | undefined;
try {
  clang = findClang();
} catch {
  console.log('skipped: no clang, so nothing is compiled');
}

describe.skipIf(!clang)('compile', () => {
  const directory = mkdtempSync(join(tmpdir(), 'ebpf-emu-test-'));
  afterAll(() => rmSync(directory, { recursive: true }));
  const source = (text: string): string => {
    const path = join(directory, 'program.c');
    writeFileSync(path, text);
    return path;
  };

  it.skipIf(!haveShared)(
    'vmlinux.h and CO-RE',
    () => {
      const target = referenceTarget();
      const path = source(`#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <bpf/bpf_core_read.h>
char LICENSE[] SEC("license") = "GPL";
struct task_struct___old { long state; } __attribute__((preserve_access_index));
SEC("kprobe/do_unlinkat")
int BPF_KPROBE(probe, int dfd, struct filename *name)
{
	struct task_struct *t = (void *)bpf_get_current_task();
	struct task_struct___old *old = (void *)t;
	if (bpf_core_field_exists(old->state))
		return 0;
	bpf_printk("%d %d %d %d", BPF_CORE_READ(t, real_parent, tgid), dfd, BPF_CORE_READ_BITFIELD_PROBED(t, in_execve), bpf_core_type_size(struct task_struct));
	return 0;
}
SEC("fexit/do_unlinkat")
int BPF_PROG(done, int dfd, struct filename *name, long ret) { return ret == 0; }
SEC("ksyscall/openat")
int BPF_KSYSCALL(call, int dfd, const char *path) { return dfd; }
`);
      const object = openObject(compile(path, { btf: () => target.btf as Btf }), 'program.c');
      const relocator = new Relocator(object, target);
      const core = object.programs.flatMap((p) =>
        relocator.relocate(p).core.map((c) => `${c.decision.kind} ${c.decision.local} ${c.decision.newValue}`),
      );
      const size = target.btf?.sizeOf(target.btf.findByName('task_struct', 'struct'));
      expect(core).toContain('field_exists struct task_struct___old.state 0');
      expect(core).toContain(`type_size struct task_struct ${size}`);
      expect(core).toContain(
        `byte_off struct task_struct.real_parent ${target.btf?.offsetOf('task_struct', 'real_parent').offset}`,
      );
      expect(core.some((line) => line.startsWith('lshift_u64 struct task_struct.in_execve'))).toBe(true);
    },
    20_000,
  );
});
