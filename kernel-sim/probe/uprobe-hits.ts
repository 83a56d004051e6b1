/** What happens at a uprobe's breakpoint and at a probed function's return: the hypercalls of `text/assembly/uprobes.ts`. */
import { type Addr, addrToBigInt } from '../../src/machine/addr.ts';
import { PAGE_SIZE } from '../../src/machine/index.ts';
import { Assembler, FLAG, rax, rcx } from '../../src/x86/index.ts';
import { capture } from '../core/state.ts';
import { SWBP } from '../core/trace-uprobe.ts';
import { syscallNamed } from '../data/syscalls.ts';
import type { ObjectFloor } from '../floors/objects.ts';
import type { Task } from '../task/task.ts';
import { type AddressSpace, PROT } from '../user/address-space.ts';
import { MMAP_BASE } from '../user/load.ts';
import { conditionHolds } from './uprobe-insn.ts';
import type { InstalledIn, UprobeSite } from './uprobe-site.ts';
import { type ReturnInstance, UTask } from './utask.ts';

/** UPROBE_XOL_SLOT_BYTES: the trampoline has the first slot, the task's instruction the second */
const SLOT_BYTES = 128;
/** MAX_URETPROBE_DEPTH */
const MOST_RETURNS = 64;
const RDX = 4;
/** registers of pt_regs by x86 number */
const REGS = 'ax cx dx bx sp bp si di r8 r9 r10 r11 r12 r13 r14 r15'.split(' ');

/** rax, rcx and r11 are kept through the system call */
function trampoline(at: Addr): Uint8Array {
  const a = new Assembler(at);
  a.op('push r64', rax).op('push r64', rcx).op('push r64', 11);
  a.op('mov r32, imm32', rax, syscallNamed('uretprobe')?.nr ?? 335).op('syscall');
  a.op('pop r64', 11).op('pop r64', rcx).op('ret');
  return a.bytes();
}

export class UprobeHits {
  readonly #kernel: ObjectFloor;
  readonly #installed: InstalledIn;
  readonly #tasks = new Map<Task, UTask>();
  /** sites by the address of their `struct uprobe`: what text passes around */
  #hit: UprobeSite | undefined;
  /** `[uprobes]` of each address space that has one */
  readonly #areas = new Map<AddressSpace, Addr>();
  readonly #at: Readonly<Record<string, number>>;

  constructor(kernel: ObjectFloor, installed: InstalledIn) {
    this.#kernel = kernel;
    this.#installed = installed;
    const regs = kernel.structs.of('pt_regs');
    this.#at = Object.fromEntries([...REGS, 'ip', 'flags', 'orig_ax'].map((name) => [name, regs.offset(name)]));
    const { text, args } = kernel;
    const on = (name: string, handler: () => void): void => void text.hypercall(name, handler);
    on('uprobe_swbp', () => args.retAddr(this.#breakpoint(args.addr(0))));
    on('uprobe_emulate', () => args.retU32(this.#emulate(args.addr(1)) ? 1 : 0));
    on('uprobe_pre_xol', () => this.#stepOut(args.addr(1)));
    on('uprobe_post_xol', () => this.#stepped(args.addr(1)));
    on('uretprobe_hijack', () => this.#hijack(args.addr(1)));
    on('uretprobe_enter', () => this.#enter(args.addr(0)));
    on('uretprobe_next', () => args.retAddr(this.#next(args.addr(0))));
    on('uretprobe_leave', () => this.#leave(args.addr(0)));
    kernel.tasks.mappings.unmapped.add((space, { start }) => {
      if (this.#areas.get(space) === start) this.#areas.delete(space);
    });
  }
  save() {
    return { state: capture({ tasks: this.#tasks, areas: this.#areas }), hit: this.#hit };
  }
  restore({ state, hit }: ReturnType<UprobeHits['save']>): void {
    state.back();
    this.#hit = hit;
  }

  find(task: Task): UTask | undefined {
    return this.#tasks.get(task);
  }
  forget(task: Task): void {
    const known = this.#tasks.get(task);
    if (known === undefined) return;
    this.#tasks.delete(task);
    this.#kernel.slab.kfree(known.address);
  }
  /** is_uprobe_at_func_entry(): the breakpoint lies on `push %rbp` or `endbr64`. */
  atFunctionEntry(task: Task): boolean {
    if (this.#hit === undefined || !this.#tasks.has(task)) return false;
    const [first, ...rest] = this.#hit.insn.bytes;
    return first === 0x55 || (first === 0xf3 && rest.join(' ') === '15 30 250');
  }
  #utask(): UTask {
    const { tasks, slab, structs, memory } = this.#kernel;
    const task = tasks.current;
    let known = this.#tasks.get(task);
    if (known === undefined) {
      known = new UTask(slab.kmalloc(structs.of('uprobe_task').size));
      this.#tasks.set(task, known);
      memory.writeAddr(task.field('utask'), known.address);
    }
    return known;
  }
  #get(regs: Addr, field: string): Addr {
    return this.#kernel.memory.readAddr(regs + (this.#at[field] as number));
  }
  #put(regs: Addr, field: string, value: Addr): void {
    this.#kernel.memory.writeAddr(regs + (this.#at[field] as number), value);
  }
  get #space(): AddressSpace {
    return this.#kernel.tasks.current.maps as AddressSpace;
  }

  // --- breakpoints ---

  /** The `struct uprobe` whose breakpoint was hit; or that a step out of line is done, or that it is nobody's. */
  #breakpoint(regs: Addr): number {
    const { tasks, memory } = this.#kernel;
    if (this.#tasks.get(tasks.current)?.stepping !== undefined) return SWBP.stepped;
    const at = this.#get(regs, 'ip') - 1;
    const site = this.#installed.get(this.#space)?.at.get(at);
    if (site === undefined) {
      const phys = this.#space.physical(at);
      if (phys >= 0 && memory.u8[phys] === 0xcc) return SWBP.trap;
      // it was taken out meanwhile: the instruction is executed
      this.#put(regs, 'ip', at);
      return SWBP.nothing;
    }
    this.#put(regs, 'ip', at);
    this.#utask().vaddr = at;
    this.#hit = site;
    return site.address;
  }
  /** Does the instruction in the program's place, where it is a simple one. */
  #emulate(regs: Addr): boolean {
    const site = this.#hit as UprobeSite;
    const { insn } = site;
    const next = this.#get(regs, 'ip') + insn.bytes.length;
    this.#hit = undefined;
    switch (insn.how) {
      case 'nop':
        this.#put(regs, 'ip', next);
        return true;
      case 'push':
        return this.#push(
          regs,
          this.#kernel.memory.readU64(regs + (this.#at[REGS[insn.reg] as string] as number)),
          next,
        );
      case 'branch': {
        const taken = conditionHolds(insn.condition, this.#get(regs, 'flags'));
        const to = taken ? next + insn.offset : next;
        if (insn.call) return this.#push(regs, addrToBigInt(next), to);
        this.#put(regs, 'ip', to);
        return true;
      }
      default:
        this.#hit = site;
        return false;
    }
  }
  /** False where the stack cannot be written to: the instruction itself shall fault. */
  #push(regs: Addr, value: bigint, ip: Addr): boolean {
    const sp = this.#get(regs, 'sp') - 8;
    if (this.#space.physical(sp) < 0) return false;
    this.#kernel.memory.writeU64(sp, value);
    this.#put(regs, 'sp', sp);
    this.#put(regs, 'ip', ip);
    return true;
  }
  /** The instruction is executed from its slot, with the trap flag set. */
  #stepOut(regs: Addr): void {
    const { memory } = this.#kernel;
    const site = this.#hit as UprobeSite;
    this.#hit = undefined;
    const { insn } = site;
    const at = this.#get(regs, 'ip');
    const slot = this.#area() + SLOT_BYTES;
    const lends = insn.how === 'step' ? insn.lends : -1;
    this.#space.poke(slot, insn.how === 'step' ? insn.slot : insn.bytes);
    let lent = 0n;
    if (lends >= 0) {
      const register = regs + (this.#at[REGS[lends] as string] as number);
      lent = memory.readU64(register);
      memory.writeAddr(register, at + insn.bytes.length);
    }
    this.#put(regs, 'ip', slot);
    this.#put(regs, 'flags', this.#get(regs, 'flags') | FLAG.TF);
    this.#utask().stepping = { site, at, lent };
  }
  #stepped(regs: Addr): void {
    const { memory } = this.#kernel;
    const utask = this.#utask();
    const { stepping } = utask;
    if (stepping === undefined) return;
    utask.stepping = undefined;
    const { site, at, lent } = stepping;
    const { insn } = site;
    this.#put(regs, 'flags', this.#get(regs, 'flags') & ~FLAG.TF);
    if (insn.how !== 'step') return;
    if (insn.lends >= 0) memory.writeU64(regs + (this.#at[REGS[insn.lends] as string] as number), lent);
    const moved = at - (this.#area() + SLOT_BYTES);
    if (insn.after === 'next') this.#put(regs, 'ip', this.#get(regs, 'ip') + moved);
    else if (insn.after === 'call') {
      const sp = this.#get(regs, 'sp');
      memory.writeAddr(sp, memory.readAddr(sp) + moved);
    }
  }
  /** `[uprobes]`: the page of trampoline and slots. */
  #area(): Addr {
    const space = this.#space;
    const known = this.#areas.get(space);
    if (known !== undefined) return known;
    const start = space.gap(PAGE_SIZE, MMAP_BASE);
    const vma = { start, end: start + PAGE_SIZE, prot: PROT.EXEC, shared: false, name: '[uprobes]', offset: 0 };
    space.map(vma, trampoline(start));
    this.#areas.set(space, start);
    return start;
  }

  // --- returns ---

  /** prepare_uretprobe(): the function returns to the trampoline. */
  #hijack(regs: Addr): void {
    const { memory } = this.#kernel;
    const utask = this.#utask();
    const stack = this.#get(regs, 'sp');
    const tramp = this.#area();
    // functions that were left by a longjmp lie below
    while (utask.returns.length > 0 && (utask.returns.at(-1) as ReturnInstance).stack < stack) utask.returns.pop();
    if (utask.returns.length >= MOST_RETURNS || this.#space.physical(stack) < 0) return;
    const found = memory.readAddr(stack);
    const chained = found === tramp;
    const outer = utask.returns.at(-1);
    if (chained && outer === undefined) return;
    const returnsTo = chained ? (outer as ReturnInstance).returnsTo : found;
    utask.returns.push({ site: this.#hit as UprobeSite, func: this.#get(regs, 'ip'), stack, returnsTo, chained });
    if (!chained) this.#space.poke(stack, word(tramp));
  }
  /** What the trampoline pushed goes back, so that handlers see the registers at the function's return. */
  #enter(regs: Addr): void {
    const { memory } = this.#kernel;
    const sp = this.#get(regs, 'sp');
    ['r11', 'cx', 'ax'].forEach((name, n) => {
      memory.writeU64(regs + (this.#at[name] as number), memory.readU64(sp + 8 * n));
    });
    this.#utask().trampoline = { sp, ip: this.#get(regs, 'ip') };
    this.#put(regs, 'sp', sp + 24);
    this.#put(regs, 'orig_ax', -1);
  }
  /** The next function that returns, its address in rdx; 0 behind the last. */
  #next(regs: Addr): Addr {
    const utask = this.#utask();
    utask.returning ??= this.#returning(utask, regs);
    const [first, ...rest] = utask.returning;
    if (first === undefined) {
      utask.returning = undefined;
      return 0;
    }
    utask.returning = rest;
    utask.vaddr = first.func;
    const { regs: words } = this.#kernel.cpu;
    const func = addrToBigInt(first.func);
    words[RDX] = Number(BigInt.asIntN(32, func));
    words[RDX + 1] = Number(BigInt.asIntN(32, func >> 32n));
    return first.site.address;
  }
  /** The function that returns, and those that it was jumped to from; the innermost first. */
  #returning(utask: UTask, regs: Addr): readonly ReturnInstance[] {
    const out: ReturnInstance[] = [];
    for (;;) {
      const one = utask.returns.pop();
      if (one === undefined) break;
      // the return popped the address: what lies deeper was left without returning
      if (one.stack + 8 < this.#get(regs, 'sp')) continue;
      out.push(one);
      this.#put(regs, 'ip', one.returnsTo);
      if (!one.chained) break;
    }
    return out;
  }
  /** The trampoline goes on and returns to the function's caller. */
  #leave(regs: Addr): void {
    const { memory } = this.#kernel;
    const { sp, ip } = this.#utask().trampoline;
    memory.writeAddr(sp + 16, this.#get(regs, 'ip'));
    for (const [n, name] of ['r11', 'cx'].entries())
      memory.writeU64(sp + 8 * n, memory.readU64(regs + (this.#at[name] as number)));
    this.#put(regs, 'sp', sp);
    this.#put(regs, 'ip', ip);
    this.#put(regs, 'cx', ip);
    this.#put(regs, 'r11', this.#get(regs, 'flags'));
  }
}

function word(value: Addr): Uint8Array {
  const out = new Uint8Array(8);
  new DataView(out.buffer).setBigUint64(0, addrToBigInt(value), true);
  return out;
}
