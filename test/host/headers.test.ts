/** What BCC's copy of a header lacks, in the words of the headers that are there. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { amongHeaders, lacking, nearestHeaders } from '../../src/host/headers.ts';

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

#define BPF_OLD	1
#define BPF_NEW(x)	\\
	((x) + 1)

enum bpf_type {
	BPF_TYPE_A,
	BPF_TYPE_B, /* the second */
	BPF_TYPE_C = 7,
	BPF_TYPE_D,
};
`,
);

it('gives what a library does not have: structures and macros whole, constants with their values', () => {
  const library = new TextEncoder().encode(
    '\x7fELF..struct bpf_insn {}; struct bpf_timer {\n\t__u64 :64;\n};\n#define BPF_OLD 1\nenum bpf_type {\n\tBPF_TYPE_A,\n};..',
  );
  expect(lacking(folder, library)).toBe(`struct bpf_wq {
	__u64 __opaque[2];
} __attribute__((aligned(8)));
struct bpf_list_head {
	union {
		__u32 a;
	};
};
#define BPF_NEW(x)	\\
	((x) + 1)
enum { BPF_TYPE_B = 1 };
enum { BPF_TYPE_C = 7 };
enum { BPF_TYPE_D = 8 };
`);
});

it('gives nothing for a library that has them all', () => {
  const library = new TextEncoder().encode(
    'struct bpf_insn {} struct bpf_timer {} struct bpf_wq {} struct bpf_list_head {} BPF_OLD BPF_NEW enum bpf_type { BPF_TYPE_A BPF_TYPE_B BPF_TYPE_C BPF_TYPE_D',
  );
  expect(lacking(folder, library)).toBe('');
});

it('finds the nearest release whose headers are there, where the model’s own are not', () => {
  const modules = join(folder, 'modules');
  const install = (release: string): void => void mkdirSync(join(modules, release, 'build'), { recursive: true });
  expect(nearestHeaders('6.12.117+deb12-amd64', modules)).toBeUndefined();
  install('6.1.0-57-amd64');
  expect(amongHeaders('/lib/modules/6.12.117+deb12-amd64/build/include', '6.12.117+deb12-amd64', modules)).toBe(
    `${modules}/6.1.0-57-amd64/build/include`,
  );
  install('6.12.9-amd64');
  install('6.12.111+deb12-amd64');
  install('7.0.1-amd64');
  mkdirSync(join(modules, '6.12.117-no-headers'));
  expect(nearestHeaders('6.12.117+deb12-amd64', modules)).toBe('6.12.111+deb12-amd64');
  // other paths are what they say
  expect(amongHeaders('/lib/modules/6.12.117+deb12-amd64x/build', '6.12.117+deb12-amd64', modules)).toBeUndefined();
  expect(amongHeaders('/lib/modules/6.1.0-57-amd64/build', '6.12.117+deb12-amd64', modules)).toBeUndefined();
  install('6.12.117+deb12-amd64');
  expect(amongHeaders('/lib/modules/6.12.117+deb12-amd64/build', '6.12.117+deb12-amd64', modules)).toBeUndefined();
});
