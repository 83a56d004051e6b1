/** The prompt: each of its commands at least once, and what it answers, as a golden transcript. */
import { expect, it } from 'vitest';
import { DebugPrompt } from '../../src/debug/index.ts';
import { COMMANDS } from '../../src/debug/prompt/commands/index.ts';
import { matchGolden } from '../support/golden.ts';
import { maskHeap } from '../support/mask-heap.ts';
import { openSession } from './support.ts';

/** What is said, a part for each thing that people do. */
const SAID = `
# where it is, and what there is
info registers
info args
info locals
info maps
info progs
info tasks
info events
info probes
info marks
info breakpoints
info watchpoints
info nonsense
info line
info line count_opens
info symbol $rip
info symbol 5
info frame
list
disassemble bpf
disassemble x86
backtrace
when
x/4xb $rip
x/2i $rip
x/2gx $rsp
x/2xg $rsp
x/s ____fmt
x/3d 16
print sizeof(struct task_struct) > 1000
print *task->cred
print task->comm
print nothing
p/x pid
whatis task->comm
whatis task_struct
ptype struct list_head
ptype enum pid_type
ptype &task->pid
ptype nothing
display comm
display
display nothing
undisplay 2
list 17
list opens.c:25
list count_opens
list do_sys_openat2
frame
up
p $rip
p $rax
p R6
frame 2
down 5
frame 99
source FILE
quit
help goto
# every step, and back
stepb
reverse-stepb
nextb
stepi
reverse-stepi
nexti
reverse-nexti
step
reverse-step
next
reverse-next
finish
reverse-finish
station
reverse-station
event
reverse-event
undisplay
# breakpoints on everything
break 17
break ./opens.c:25
tbreak count_opens@12
break *0xffffffff81453d90
break do_sys_openat2 if comm == "cat"
break helper map_update_elem
break syscall close
break syscall openat exit
break map counts update
break tracepoint sched_switch
break no_such_function
break 17 if (
dprintf 26, {comm} opened {pid}
condition 1 pid == 30043
condition 1
ignore 1 2
disable 4
enable 4
disable 4
disable 7
disable 8
disable 10
info breakpoints
continue
continue
continue
continue
info breakpoints
reverse-continue
reverse-continue
delete 1
delete
# moments
goto event 14
when
goto 5ms
when
goto 600.004130
when
goto event 9999
goto 5 parsecs
goto 7x
# watchpoints: a register, the stack, a map's value, memory
goto 100
start
tbreak count_opens@1
continue
watch R6
continue
delete
watch pid
watch counts[30042]
watch one
continue
continue
delete
watch counts[30042]
continue
reverse-continue
delete
start
tbreak count_opens@5
continue
rwatch pid
continue
delete
awatch *(u64 *)($rbp - 16) if count > 0
reverse-continue
rwatch R1
delete
# who wrote it
start
tbreak 22 if *n == 3
continue
who wrote counts[30042]
who wrote R6
who wrote *(u64 *)$rsp
# another future
start
tbreak count_opens@12
continue
set $rax = 7
print $rax
set counts[30042] = 41
print counts[30042]
set nothing = 1
set pid = 9
info changes
end
print counts[30042]
start
end
print counts[30042]
start
forget
info changes
end
start
advance 21
advance do_filp_open if comm == "cat"
record nowhere
nonsense
`;

/** How close the first marks lie depends on the host's speed. */
const maskMarks = (text: string): string =>
  text.replace(/^\d+ marks, \d+ KiB, at 0 [\d ]+$/m, '… marks, … KiB, at 0 …');

it('answers as the golden transcript has it', async () => {
  const session = await openSession('opens.o');
  const prompt = new DebugPrompt(session);
  const out = [prompt.greeting()];
  const used = new Set<string>();
  for (const line of SAID.trim().split('\n')) {
    const word = line.split(/[\s/]/)[0] as string;
    used.add(COMMANDS.find((c) => c.names.includes(word))?.names[0] ?? word);
    const said = await prompt.run(line);
    out.push(`(ebpf) ${line}${said === '' ? '' : `\n${said}`}`);
  }
  session.close();
  matchGolden(new URL('golden/prompt.txt', import.meta.url), `${maskMarks(maskHeap(out.join('\n')))}\n`);
  expect(COMMANDS.map((c) => c.names[0]).filter((name) => !used.has(name as string))).toEqual([]);
}, 120_000);

it('completes commands, names and places, and repeats the last at an empty line', async () => {
  const session = await openSession('opens.o');
  const prompt = new DebugPrompt(session);
  expect(prompt.complete('reverse-st')[0]).toEqual([
    'reverse-step',
    'reverse-stepb',
    'reverse-stepi',
    'reverse-station',
  ]);
  expect(prompt.complete('print cou')[0]).toEqual(expect.arrayContaining(['counts', 'count']));
  expect(prompt.complete('print on')[0]).toEqual(['one']);
  expect(prompt.complete('break helper bpf_get_current_p')[0]).toContain('bpf_get_current_pid_tgid');
  expect(prompt.complete('info re')[0]).toEqual(['registers']);
  expect(prompt.complete('break do_sys_opena')[0]).toContain('do_sys_openat2');
  await prompt.run('stepi');
  const { count } = session.stop;
  await prompt.run('');
  expect(session.stop.count).toBe(count + 1);
  session.close();
});
