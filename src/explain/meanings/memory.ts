/** Reads and writes: null pointers, numbers, map values, packets, the stack, alignment. */
import { insnText, type RejectionLog } from '../log.ts';
import { type Row, row } from '../row.ts';

/** A register that should point somewhere holds a number: why, as far as the log tells. */
function number([, register = 'R0']: RegExpExecArray, log: RejectionLog): string {
  const moved = log.movedPacket(register);
  if (moved)
    return `${register} pointed into the packet until ${insnText(moved)} may have moved it: load data and data_end from the context again after the call, and compare anew`;
  const released = log.released(register);
  if (released)
    return `${register} pointed to a ${released.type} until ${insnText(released.by)} released the reference that it belongs to: use it before that`;
  const origin = log.origin(register);
  if (!origin) return `${register} is a number here, not a pointer that the verifier knows`;
  const call = /^call (\S+)#/.exec(origin.text)?.[1];
  if (call) return `${register} is the number that ${call} returned (instruction ${origin.index}), not a pointer`;
  if (/= \*\(/.test(origin.text))
    return `${register} is a number that was loaded by ${insnText(origin)}: memory of the kernel is read with bpf_probe_read_kernel() or through BTF-typed pointers, memory of user space with bpf_probe_read_user()`;
  return `${register} is a number since ${insnText(origin)}: only what the verifier saw as a pointer can be read through`;
}

/** What the pointer is that may be null. */
function nullable([, register = 'R0', type = '']: RegExpExecArray, log: RejectionLog): string {
  const origin = log.origin(register);
  const from = origin ? ` (it comes from ${insnText(origin)})` : '';
  return `${register} may be NULL here, its type is ${type}${from}: compare it with NULL before it is used`;
}

export const memory: readonly Row[] = [
  row(/^(R\d+) invalid mem access 'scalar'/, number),
  row(/^(R\d+) invalid mem access '(\w*_or_null_?\w*)'/, nullable),
  row(/^(R\d+) invalid mem access '(\w+)'/, '$1 is a $2: nothing can be read or written through it'),
  row(
    /^(R\d+) pointer arithmetic on (\w+_or_null\w*) prohibited, null-check it first/,
    '$1 may be NULL here ($2): compare it with NULL before anything is added to it',
  ),
  row(
    /^invalid access to map value, value_size=(\d+) off=(-?\d+) size=(\d+)/,
    'the access takes $3 bytes at offset $2 of a value of $1: bound the index so that it stays inside',
  ),
  row(
    /^invalid access to map value pointer, value_size=(\d+) off=(\d+)/,
    'offset $2 lies outside the value of $1 bytes to which the program refers',
  ),
  row(/^direct value offset of (\d+) is not allowed/, 'offset $1 into a map value is beyond the limit of 512 MiB'),
  row(
    /^invalid access to map key, key_size=(\d+) off=(-?\d+) size=(\d+)/,
    'a key has $1 bytes; $3 at offset $2 are not inside',
  ),
  row(
    /^invalid access to memory, mem_size=(\d+) off=(-?\d+) size=(\d+)/,
    'the memory has $1 bytes; $3 at offset $2 are not inside: compare the index with the size first',
  ),
  row(/^(R\d+) (min|max) value is outside of the allowed memory range/, ([, r = '', end = ''], log) => {
    const inner = log.lines.slice(0, log.at).findLast((line) => /^invalid access to /.test(line)) ?? '';
    const found = /(?:value_size|mem_size|key_size)=(\d+) off=(-?\d+) size=(\d+)/.exec(inner);
    const where = found ? `: ${found[3]} bytes at offset ${found[2]} of ${found[1]}` : '';
    // nothing varies: the access alone is too large
    const fixed = /^\w+\((?!.*(?:smin|umin|smax|umax|var_off)).*\)$/.test(log.state(r) ?? '');
    if (found && fixed && Number(found[2]) >= 0)
      return `${found[3]} bytes at offset ${found[2]} of the ${found[1]} behind ${r} are more than there are: access no more than that`;
    return `the ${end === 'min' ? 'least' : 'greatest'} offset that ${r} may have leaves the memory it points to${where}; bound the index, or check it before use`;
  }),
  row(
    /^(R\d+) min value is negative, either use unsigned index/,
    ([, r = ''], log) =>
      `the offset in ${r} may be negative (${log.state(r) ?? 'unknown'}): use an unsigned type, or check that it is at least 0`,
  ),
  row(
    /^(R\d+) min value is negative, either use unsigned or/,
    ([, r = ''], log) =>
      `the size in ${r} may be negative (${log.state(r) ?? 'unknown'}): use an unsigned type, or mask it with a constant`,
  ),
  row(
    /^(R\d+) unbounded memory access/,
    ([, r = ''], log) =>
      `the verifier knows no upper bound of ${r} (${log.state(r) ?? 'unknown'}): compare it with a constant, or mask it, on the way here`,
  ),
  row(/^(R\d+) offset is outside of the packet/, ([, r = ''], log) => {
    const inner = log.lines.slice(0, log.at).findLast((line) => /^invalid access to packet/.test(line)) ?? '';
    const found = /off=(-?\d+) size=(\d+), R\d+\(id=\d+,off=(-?\d+),r=(-?\d+)\)/.exec(inner);
    const [what, end] = (log.state(r) ?? '').startsWith('pkt_meta') ? ['metadata', 'data'] : ['packet', 'data_end'];
    if (found)
      return `${found[2]} bytes at offset ${found[1]} of the ${what} are accessed through ${r}, of which ${found[4]} are known to be there: compare with ${end} that all of them are`;
    // AT_PKT_END, BEYOND_PKT_END
    if (/[(,]r=(?:-[12]\b|0xf{15}[ef]\b)/.test(log.state(r) ?? ''))
      return `on this path a comparison with ${end} has found that ${r} is at the end of the ${what} or behind it: access it on the other branch`;
    return `nothing is known of how far the ${what} behind ${r} reaches: compare it with ${end} first`;
  }),
  row(
    /^invalid access to packet, off=(-?\d+) size=(\d+), (R\d+)\(id=\d+,off=-?\d+,r=(-?\d+)\)/,
    '$2 bytes at offset $1 of the packet are accessed through $3, of which $4 are known to be there: compare with data_end first',
  ),
  row(/^cannot write into packet/, 'programs of this type only read packets'),
  row(
    /^helper access to the packet is not allowed/,
    'programs of this type may not give packet memory to this helper: copy to the stack first',
  ),
  row(
    /^invalid (read from|write to|indirect read from|indirect access to) stack (R\d+) off=?\s?(-?\d+)(?:\+\d+)? size[= ](\d+)/,
    ([, how = '', r = '', off = '', size = '']) =>
      Number(off) < -512 || Number(off) + Number(size) > 0
        ? `${size} bytes at offset ${off} through ${r} leave the stack, which reaches from -512 to -1`
        : `the ${how.replace(/ (?:from|to)$/, '')} of ${size} bytes at offset ${off} through ${r} touches bytes that were never written: initialise the variable`,
  ),
  row(
    /^invalid (?:indirect )?read from stack (?:(R\d+) )?off (-?\d+)\+(\d+) size (\d+)/,
    'byte $3 of the $4 read from offset $2 of the stack was never written on this path: initialise the whole variable',
  ),
  row(
    /^invalid (?:indirect )?read from stack (R\d+) var_off (\S+ \S+) size (\d+)/,
    'some of the $3 bytes that $1 may point to on the stack were never written: initialise all of them',
  ),
  row(
    /^invalid (?:unbounded )?variable-offset( [\w ]+?)? stack (R\d+)/,
    ([, , r = ''], log) =>
      `where on the stack ${r} points depends on a value (${log.state(r) ?? 'unknown'}) that may lead outside the frame: bound the index`,
  ),
  row(
    /^(R\d+)(?: indirect)? variable offset stack access prohibited for !root, var_off=(.*)/,
    'without CAP_PERFMON the place on the stack must be a constant; that of $1 varies ($2)',
  ),
  row(
    /^variable offset stack pointer cannot be passed into helper function; var_off=(.*?) off=(-?\d+) size=(\d+)/,
    'a helper is given $3 bytes of stack at an offset that varies ($1): pass the address of the whole variable',
  ),
  row(
    /^invalid zero-sized read/,
    'the helper is given a buffer of 0 bytes: check that the size is not 0 before the call',
  ),
  row(
    /^(R\d+) invalid zero-sized read: u64=\[(\d+),(-?\d+)\]/,
    'the size in $1 lies between $2 and $3, and 0 is not allowed here: check it before the call',
  ),
  row(
    /^attempt to corrupt spilled pointer on stack/,
    'a part of a stack slot that holds a pointer is overwritten, which programs without privileges may not',
  ),
  row(
    /^invalid size of register (spill|fill)/,
    'a pointer on the stack is ($1) read or written in parts: it takes all 8 bytes',
  ),
  row(
    /^leaking pointer from stack off (-?\d+)/,
    'the slot at offset $1 of the stack holds a pointer, which programs without privileges may not let out',
  ),
  row(
    /^cannot spill pointers to stack into stack frame of the caller/,
    'the address of a variable of this function would outlive it in its caller',
  ),
  row(
    /^cannot return stack pointer to the caller/,
    'the function returns the address of a variable of its own, which is gone then',
  ),
  row(
    /^uninit stack in range of var-offset write prohibited for !root; insn (\d+), off: (-?\d+)/,
    'instruction $1 may write to byte $2 of the stack, which nothing initialised: write to the whole buffer first',
  ),
  row(
    /^spilled ptr in range of var-offset stack write; insn (\d+), ptr off: (-?\d+)/,
    'instruction $1 may overwrite the pointer at offset $2 of the stack',
  ),
  row(
    /^potential write to dynptr at off=(-?\d+) disallowed/,
    'the bytes at offset $1 of the stack are a dynptr, which only its own functions may change',
  ),
  row(
    /^misaligned (\w+ )?access off (.*) size (\d+)/,
    'the $1address ($2) is not a multiple of the $3 bytes that are accessed: align it, or read byte by byte',
  ),
  row(
    /^(write into|read from) map forbidden(?:, value_size=(\d+) off=(-?\d+) size=(\d+))?/,
    ([, how = '', , off, size]) =>
      `the map's flags forbid programs to ${how === 'write into' ? 'write to' : 'read'} it${off ? ` (${size} bytes at offset ${off})` : ''}: see BPF_F_RDONLY_PROG and BPF_F_WRONLY_PROG where it is made`,
  ),
  row(/^write to change key (R\d+) not allowed/, '$1 points to a key inside the map, which cannot be changed'),
  row(/^(R\d+) cannot write into (\w+)/, '$1 is a $2, which programs can only read'),
  row(/^(R\d+) invalid (\w+) buffer access: off=(-?\d+), size=(\d+)/, 'offset $3 of the $2 buffer in $1 is negative'),
  row(
    /^(R\d+) invalid variable buffer offset: off=(-?\d+), var_off=(.*)/,
    'the offset into the buffer in $1 must be a constant, and varies ($3)',
  ),
  row(
    /^(R\d+) invalid (\w+) access off=(-?\d+) size=(\d+)/,
    'a $2 has no field of $4 bytes at offset $3 that may be read',
  ),
  row(/^invalid access to flow keys off=(-?\d+) size=(\d+)/, 'struct bpf_flow_keys has no $2 bytes at offset $1'),
  row(
    /^no direct value access support for this map type/,
    'only arrays of one element give programs the address of their value',
  ),
  row(
    /^fd (-?\d+) is not pointing to valid bpf_map/,
    'descriptor $1, which the program names as a map, is none: was the object loaded by a loader that creates its maps?',
  ),
];
