/** Tables and CSV as veristat prints them: what others published of its output (lists of bpf@vger.kernel.org, sched_ext's and vmtest's CI). */
import { describe, expect, it } from 'vitest';
import { compareRuns, type Stats, statsOfLog, veristat } from '../../src/show/index.ts';

const row = (file_name: string, prog_name: string, values: Stats['values']): Stats => ({
  file_name,
  prog_name,
  values,
});
const counts = (duration: number, total_insns: number, total_states: number, peak_states: number): Stats['values'] => ({
  verdict: 'success',
  duration,
  total_insns,
  total_states,
  peak_states,
});
const ROWS = [
  row('bpf.bpf.o', 'bpfland_dispatch', counts(772, 905, 56, 50)),
  row('bpf.bpf.o', 'bpfland_cpu_offline', counts(25, 27, 1, 1)),
  row('bpf.bpf.o', 'bpfland_enqueue', counts(9920, 1602, 156, 152)),
];
const DONE = { files: 1, skippedFiles: 0, skippedPrograms: 0 };

describe('one run', () => {
  it('as a table', () => {
    expect(veristat(ROWS, DONE, {})).toBe(
      `File       Program              Verdict  Duration (us)  Insns  States  Peak states
---------  -------------------  -------  -------------  -----  ------  -----------
bpf.bpf.o  bpfland_cpu_offline  success             25     27       1            1
bpf.bpf.o  bpfland_dispatch     success            772    905      56           50
bpf.bpf.o  bpfland_enqueue      success           9920   1602     156          152
---------  -------------------  -------  -------------  -----  ------  -----------
Done. Processed 1 files, 3 programs. Skipped 0 files, 0 programs.
`,
    );
  });

  it('columns and order', () => {
    const ask = (sort: string): string =>
      veristat(ROWS, DONE, { emit: 'prog,insns', sort, output: 'csv' }).split('\n').slice(1, 4).join(' ');
    expect(ask('insns')).toBe('bpfland_enqueue,1602 bpfland_dispatch,905 bpfland_cpu_offline,27');
    expect(ask('insns^')).toBe('bpfland_cpu_offline,27 bpfland_dispatch,905 bpfland_enqueue,1602');
    expect(ask('verdict,progv')).toBe('bpfland_enqueue,1602 bpfland_dispatch,905 bpfland_cpu_offline,27');
    expect(() => ask('insnz')).toThrow(/near it: insns/);
  });
});

describe('two runs', () => {
  const base = {
    file: 'two-ok',
    text: 'file_name,prog_name,verdict,total_states\nfile-a,a,success,12\nfile-b,b,success,67\n',
  };
  const next = { file: 'add-success', text: `${base.text}file-b,c,success,32\n` };

  it('as CSV', () => {
    expect(compareRuns(base, next, { emit: 'file,prog,verdict,states', output: 'csv' })).toBe(
      `file_name,prog_name,verdict_base,verdict_comp,verdict_diff,total_states_base,total_states_comp,total_states_diff
file-a,a,success,success,MATCH,12,12,+0 (+0.00%)
file-b,b,success,success,MATCH,67,67,+0 (+0.00%)
file-b,c,N/A,success,N/A,N/A,32,N/A
`,
    );
  });

  it('as a table, by how much they differ', () => {
    const head = 'file_name,prog_name,total_insns,total_states\n';
    const a = `${head}arena_list.bpf.o,arena_list_del,309,23\niters.bpf.o,iter_subprog_iters,1094,88\narena_htab.bpf.o,arena_htab_llvm,717,57\n`;
    const b = `${head}arena_list.bpf.o,arena_list_del,279,14\niters.bpf.o,iter_subprog_iters,1003,83\narena_htab.bpf.o,arena_htab_llvm,426,37\n`;
    const text = compareRuns({ file: 'a', text: a }, { file: 'b', text: b }, { sort: 'insns_pct^' });
    expect(text).toBe(
      `File              Program             Insns (A)  Insns (B)  Insns   (DIFF)  States (A)  States (B)  States (DIFF)
----------------  ------------------  ---------  ---------  --------------  ----------  ----------  -------------
arena_htab.bpf.o  arena_htab_llvm           717        426  -291 (-40.59%)          57          37  -20 (-35.09%)
arena_list.bpf.o  arena_list_del            309        279    -30 (-9.71%)          23          14   -9 (-39.13%)
iters.bpf.o       iter_subprog_iters       1094       1003    -91 (-8.32%)          88          83    -5 (-5.68%)
----------------  ------------------  ---------  ---------  --------------  ----------  ----------  -------------
`,
    );
  });

  it('files that are none are named', () => {
    expect(() => compareRuns({ file: 'x.csv', text: 'a,b\n' }, next, {})).toThrow(/x.csv: 'a' is no column/);
    expect(() => compareRuns({ file: 'x.csv', text: `${base.text}one,two\n` }, next, {})).toThrow(/x.csv:4: 2 columns/);
  });
});

it('counts are read from the end of a log', () => {
  const log = `verification time 95 usec
stack depth 16+8
processed 24 insns (limit 1000000) max_states_per_insn 1 total_states 2 peak_states 2 mark_read 1
`;
  expect(statsOfLog(log)).toEqual({
    duration: 95,
    total_insns: 24,
    total_states: 2,
    peak_states: 2,
    max_states_per_insn: 1,
    max_mark_read_len: 1,
    stack: 24,
  });
});
