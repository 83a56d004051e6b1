/** Helpers and functions of the program: which may be called, and with what. */
import { MAP } from '../../verifier/kinds.ts';
import { insnText } from '../log.ts';
import { type Row, row } from '../row.ts';

const names = new Map<number, string>(Object.entries(MAP).map(([name, type]) => [type, name.toLowerCase()]));
const mapName = (type: string): string => names.get(Number(type)) ?? type;
/** 0xbad2310, what libbpf puts where a relocation found nothing */
const BAD_RELO = 195896080;

export const calls: readonly Row[] = [
  row(/^invalid func unknown#(\d+)/, ([, id = '']) =>
    Number(id) === BAD_RELO
      ? 'a CO-RE relocation found no such type or field in the kernel’s BTF, so its instruction was replaced by this call: ask with bpf_core_field_exists() or bpf_core_type_exists() before'
      : `Linux 6.12 has no helper of number ${id}`,
  ),
  row(
    /^failed to resolve CO-RE relocation (<\w+>) \[\d+\] (.*?)(?: \([^()]*\))?$/,
    'the kernel’s BTF has no $2: ask with bpf_core_field_exists() or bpf_core_type_exists() before it is used',
  ),
  row(
    /^program of this type cannot use helper (\w+)#(\d+)/,
    '$1() (helper $2) is not for programs of this type or attach type',
  ),
  row(/^(?:invalid|unknown) func (\w+)#(\d+)/, '$1 (helper $2) does not exist in Linux 6.12'),
  row(
    /^cannot call GPL-restricted function from non-GPL compatible program/,
    (_, log) =>
      `${/^call (\w+)#/.exec(log.stop?.text ?? '')?.[1] ?? 'the helper'}() is for GPL-compatible programs: char LICENSE[] SEC("license") = "GPL"`,
  ),
  row(
    /^helper call is not allowed in probe/,
    (_, log) => `${log.stop?.text ?? 'the call'} is allowed only at some functions, and not at the one attached to`,
  ),
  row(
    /^helper call might sleep in a non-sleepable prog/,
    (_, log) =>
      `${log.stop?.text ?? 'the helper'} may sleep: the program must be sleepable (a section like fentry.s, lsm.s, iter.s)`,
  ),
  row(/^sleepable helper (\w+)#(\d+) in (\S+) region/, '$1() may sleep, and the $3 region must not'),
  row(
    /^cannot pass map_type (\d+) into func (\w+)#(\d+)/,
    ([, type = '', helper = '']) => `${helper}() does not work on a map of type ${mapName(type)}`,
  ),
  row(/^cannot update sockmap in this context/, 'programs of this type may not change socket maps'),
  row(
    /^kernel subsystem misconfigured verifier/,
    'the helper is given something else than a map of the kind it works on',
  ),
  row(/^invalid arg_type for sockmap\/sockhash/, 'socket maps hold sockets, not values of the program’s own'),
  row(/^(R\d+) type=(\S+) expected=(.*)/, ([, r = '', type = '', expected = ''], log) => {
    const call = /^call (\w+)/.exec(log.stop?.text ?? '')?.[1];
    const origin = log.origin(r);
    const moved = type === 'scalar' ? log.movedPacket(r) : undefined;
    const why = moved
      ? `: it pointed into the packet until ${insnText(moved)}`
      : /_or_null/.test(type)
        ? ': compare it with NULL first'
        : origin
          ? ` since ${insnText(origin)}`
          : '';
    return `${call ? `${call}() wants` : 'wanted is'} one of ${expected} in ${r}, which is a ${type}${why}`;
  }),
  row(/^(R\d+) is of type (\w+) but (\w+) is expected/, '$1 points to a $2, where a $3 is wanted'),
  row(/^Possibly NULL pointer passed to (?:helper|trusted) arg(\d+)/, (found, log) => {
    const call = /^call (\w+)/.exec(log.stop?.text ?? '')?.[1] ?? 'the call';
    const r = `R${Number(found[1]) + (/trusted/.test(found[0]) ? 1 : 0)}`;
    return `${call}() must not be given NULL in ${r} (${log.state(r) ?? 'maybe NULL'}): compare it with NULL before`;
  }),
  row(
    /^(R\d+) (?:is not a known constant|must be a known constant|is not a const)/,
    ([, r = ''], log) =>
      `the value in ${r} must be a constant that the verifier knows, and is ${log.state(r) ?? 'not'}`,
  ),
  row(
    /^(R\d+) is not a scalar/,
    ([, r = ''], log) => `a number is wanted in ${r}, which is ${log.state(r) ?? 'a pointer'}`,
  ),
  row(/^(R\d+) is not a constant address/, 'the string in $1 must lie at a constant address'),
  row(
    /^(R\d+) does not point to a readonly map/,
    'the format must be a constant: a string literal, which lies in .rodata; $1 points elsewhere',
  ),
  row(/^string is not zero-terminated/, 'the format string has no terminating zero'),
  row(
    /^Invalid format string/,
    'the format has a conversion that bpf_snprintf() has not, or more of them than values are given',
  ),
  row(
    /^get_local_storage\(\) doesn't support non-zero flags/,
    'the second argument of bpf_get_local_storage() must be 0',
  ),
  row(
    /^Unsupported reg type (\w+) for bpf_dynptr_from_mem data/,
    'bpf_dynptr_from_mem() takes memory of map values, not a $1',
  ),
  row(
    /^func (\w+)#\d+ (?:not supported for program type (\d+)|supported only for)/,
    '$1() works only where a trampoline or probe puts the function’s address',
  ),
  row(
    /^(bpf_\w+)\(\) may write into memory pointed by (R\d+) type=(\S+)/,
    '$1() would write through $2, and a $3 is read-only',
  ),
  row(/^Helper has invalid btf_id in (R\d+)/, '$1 points to a per-CPU variable of which BTF says nothing'),
  row(/^invalid map_ptr to access map->(\w+)/, 'the map must be given before its $1: R1 is no map'),
  row(/^callback function not allowed for map/, 'bpf_for_each_map_elem() does not work on a map of this type'),
  row(/^tail_call abusing map_ptr/, 'without CAP_PERFMON one tail call must always use the same map'),
  row(/^tail_call (?:would lead to reference leak|cannot be used inside (\S+)-ed region)/, (found) =>
    found[1]
      ? `the program would never come back to leave the ${found[1]} region: leave it before the tail call`
      : 'the program would never come back to release what it holds: release it before the tail call',
  ),
  row(
    /^tail_calls are not allowed when call stack of previous frames is (\d+) bytes/,
    'functions that tail-call may have 256 bytes of stack above them, and this one has $1',
  ),
  row(/^cannot tail call within exception cb/, null),
  row(
    /^(tail_call|LD_ABS) is only allowed in functions that return 'int'/,
    'a function that uses $1 may end there with a number: declare it to return int',
  ),
  row(
    /^loading\/calling other bpf or kernel functions are allowed for CAP_BPF and CAP_SYS_ADMIN/,
    'programs loaded without CAP_BPF have one function: inline the others (__always_inline)',
  ),
  row(/^call to invalid destination/, 'the call goes to no instruction of the program'),
  row(/^Caller passes invalid args into func#(\d+) \('(\w+)'\)/, ([, , name = ''], log) => {
    const inner = log.lines[log.at - 1] ?? '';
    return `what is passed to the global function ${name}() does not fit its prototype${/^(R\d|arg#|invalid|Possibly)/.test(inner) ? ` (${inner})` : ''}: global functions are checked on their own, by their argument types`;
  }),
  row(/^Global function (\w+)\(\) (.*)/, '$1() is a global function, and $2 make it static, or change its prototype'),
  row(/^Global functions need valid BTF/, 'global functions are checked by BTF: compile with -g'),
  row(
    /^global function calls are not allowed (while holding a lock|with preemption disabled)/,
    'a global function may do anything, so it is not called $1: make it static',
  ),
  row(/^use static function instead/, 'a global function may do anything, so it is not called here: make it static'),
  row(
    /^function calls are not allowed while holding a lock/,
    'between bpf_spin_lock() and bpf_spin_unlock() nothing else is called',
  ),
  row(
    /^[Aa]rg#(\d+) type (\w+) in (\w+)\(\) is not supported yet/,
    'argument $1 of the global function $3() is a $2: use numbers, or pointers to structures',
  ),
  row(
    /^arg#(\d+) (?:reference )?type\('(\w+) (\w+)'\) size cannot be determined/,
    'argument $1 points to $2 $3, whose size BTF does not know: define the structure',
  ),
  row(
    /^arg#(\d+) reference type\('(\w+ \w+)'\) not found in kernel BTF/,
    'argument $1 is a pointer to $2, which the kernel does not have',
  ),
  row(/^arg#(\d+) expects pointer to ctx/, 'argument $1 is declared as the context: pass the program’s own context'),
  row(
    /^arg#(\d+) is expected to be non-NULL/,
    'argument $1 is declared __arg_nonnull: compare what is passed with NULL first',
  ),
  row(
    /^arg#(\d+) (?:has|arena|type tag|is pointer|doesn't match context)/,
    'the tags on argument $1 do not fit its type: see bpf_helpers.h, __arg_…',
  ),
  row(
    /^(R\d+) is not a pointer to arena or scalar/,
    '$1 is declared as an arena pointer and is neither that nor a number',
  ),
  row(/^the call stack of (\d+) frames is too deep/, 'functions call each other $1 deep, where 8 are allowed'),
  row(
    /^combined stack size of (\d+) calls is (\d+)\. Too large/,
    'the $1 functions of this call chain need $2 bytes of stack, where 512 are allowed: move buffers to a per-CPU map',
  ),
  row(/^too many subprograms/, 'a program has at most 256 functions'),
  row(
    /^bpf_throw kfunc \(insn (\d+)\) cannot be called from callback subprog (\d+)/,
    'instruction $1 throws inside callback function $2, which cannot be unwound',
  ),
  row(
    /^(?:exception cb|exception callback|insn \d+ cannot call exception cb|multiple exception callback|invalid exception callback)/,
    null,
  ),
  row(/^callback function not static/, 'a callback must be a static function'),
  row(/^missing btf func_info/, 'callbacks need function records of BTF: compile with -g'),
];
