import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    // lines and branches of the C code, in coverage/
    env: { EBPF_EMU_COVERAGE: 'coverage' },
    reporters: ['default', 'ebpf-emu/vitest-reporter'],
  },
});
