/** What BCC's copy of a header lacks, in the words of the headers that are there. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { lacking } from '../../src/host/headers.ts';

const folder = mkdtempSync(join(tmpdir(), 'ebpf-emu-test-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
mkdirSync(join(folder, 'include/uapi/linux'), { recursive: true });
writeFileSync(
  join(folder, 'include/uapi/linux/bpf.h'),
  `struct bpf_timer {
	__u64 __opaque[2];
} __attribute__((aligned(8)));

struct bpf_wq {
	__u64 __opaque[2];
} __attribute__((aligned(8)));

struct bpf_list_head {
	union {
		__u32 a;
	};
};
`,
);

it('gives the structures that a library does not have, whole', () => {
  const library = new TextEncoder().encode('\x7fELF..struct bpf_timer {\n\t__u64 :64;\n};..');
  expect(lacking(folder, library)).toBe(`struct bpf_wq {
	__u64 __opaque[2];
} __attribute__((aligned(8)));
struct bpf_list_head {
	union {
		__u32 a;
	};
};
`);
});

it('gives nothing for a library that has them all', () => {
  const library = new TextEncoder().encode('struct bpf_timer {} struct bpf_wq {} struct bpf_list_head {}');
  expect(lacking(folder, library)).toBe('');
});
