/** What happens at a uprobe's breakpoint and at a probed function's return: the hypercalls of `text/assembly/uprobes.ts`. */
import { type Addr, addrHi, addrLo } from '../../src/machine/addr.ts';
import { PAGE_SIZE, RDX } from '../../src/machine/index.ts';
import { PROT } from '../../src/uapi/process.ts';
import { Assembler, FLAG, rax, rcx } from '../../src/x86/index.ts';
import { capture } from '../core/state.ts';
import { SWBP } from '../core/trace-uprobe.ts';
import { syscallNamed } from '../data/syscalls.ts';
import type { ObjectFloor } from '../floors/objects.ts';
import type { Task } from '../task/task.ts';
import type { AddressSpace } from '../user/address-space.ts';
import { MMAP_BASE } from '../user/load.ts';
import { SavedRegs } from './saved-regs.ts';
import { conditionHolds } from './uprobe-insn.ts';
import type { InstalledIn, UprobeSite } from './uprobe-site.ts';
import { type ReturnInstance, UTask } from './utask.ts';

/** UPROBE_XOL_SLOT_BYTES: the trampoline has the first slot, the task's instruction the second */
const SLOT_BYTES = 128;
/** MAX_URETPROBE_DEPTH */
const MOST_RETURNS = 64;
/** as the trampoline pushed them, the last one first */
const PUSHED = ['r11', 'cx', 'ax'] as const;
const NOTHING_LENT = [0, 0] as const;

/** where its system call returns to, bytes from its start */
const SYSCALL_END = 11;
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
  readonly #regs: SavedRegs;

  constructor(kernel: ObjectFloor, installed: InstalledIn) {
    this.#kernel = kernel;
    this.#installed = installed;
    this.#regs = new SavedRegs(kernel);
    const { text, args } = kernel;
    const on = (name: string, handler: () => void): void => void text.hypercall(name, handler);
    on('uprobe_swbp', () => args.retAddr(this.#breakpoint(args.addr(0))));
    on('uprobe_emulate', () => args.retU32(this.#emulate(args.addr(1)) ? 1 : 0));
    on('uprobe_pre_xol', () => this.#stepOut(args.addr(1)));
    on('uprobe_post_xol', () => this.#stepped(args.addr(1)));
    on('uretprobe_hijack', () => this.#hijack(args.addr(1)));
    on('uretprobe_enter', () => args.retU32(this.#enter(args.addr(0)) ? 1 : 0));
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

  /** registers of whoever is looked at */
  get regs(): SavedRegs {
    return this.#regs;
  }
  find(task: Task): UTask | undefined {
    return this.#tasks.get(task);
  }
  forget(task: Task): void {
    const known = this.#tasks.get(task);
    if (known === undefined) return;
    this.#tasks.delete(task);
    this.#kernel.slab.kfree(known.address);
    if (known.regs !== 0) this.#kernel.slab.kfree(known.regs);
  }
  /** is_uprobe_at_func_entry(): the breakpoint lies on `push %rbp` or `endbr64`. */
  atFunctionEntry(task: Task): boolean {
    if (this.#hit === undefined || !this.#tasks.has(task)) return false;
    const [first, ...rest] = this.#hit.insn.bytes;
    return first === 0x55 || (first === 0xf3 && rest.join(' ') === '15 30 250');
  }
  /** The current task's. */
  current(): UTask {
    return this.#utask();
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
  get #space(): AddressSpace {
    return this.#kernel.tasks.current.maps as AddressSpace;
  }

  // --- breakpoints ---

  /** The `struct uprobe` whose breakpoint was hit; or that a step out of line is done, or that it is nobody's. */
  #breakpoint(at: Addr): number {
    const { tasks, memory } = this.#kernel;
    if (this.#tasks.get(tasks.current)?.stepping !== undefined) return SWBP.stepped;
    const regs = this.#regs.of(at);
    const ip = regs.get('ip') - 1;
    const site = this.#installed.get(this.#space)?.at.get(ip);
    if (site === undefined) {
      const phys = this.#space.physical(ip);
      if (phys >= 0 && memory.u8[phys] === 0xcc) return SWBP.trap;
      // it was taken out meanwhile: the instruction is executed
      regs.put('ip', ip);
      return SWBP.nothing;
    }
    regs.put('ip', ip);
    this.#utask().vaddr = ip;
    this.#hit = site;
    return site.address;
  }
  /** Does the instruction in the program's place, where it is a simple one. */
  #emulate(at: Addr): boolean {
    const site = this.#hit as UprobeSite;
    const { insn } = site;
    const regs = this.#regs.of(at);
    const next = regs.get('ip') + insn.bytes.length;
    this.#hit = undefined;
    // a task that is only recorded has nothing to execute it with
    if (this.#space.space === undefined) return true;
    switch (insn.how) {
      case 'nop':
        regs.put('ip', next);
        return true;
      case 'push':
        return this.#push(regs.half(insn.reg, 0), regs.half(insn.reg, 1), next);
      case 'branch': {
        const to = conditionHolds(insn.condition, regs.flags()) ? next + insn.offset : next;
        if (insn.call) return this.#push(addrLo(next), addrHi(next), to);
        regs.put('ip', to);
        return true;
      }
      default:
        this.#hit = site;
        return false;
    }
  }
  /** False where the stack cannot be written to: the instruction itself shall fault. */
  #push(lo: number, hi: number, ip: Addr): boolean {
    const regs = this.#regs;
    const sp = regs.get('sp') - 8;
    if (!regs.hasWord(this.#space, sp)) return false;
    regs.putWord(this.#space, sp, lo, hi);
    regs.put('sp', sp);
    regs.put('ip', ip);
    return true;
  }
  /** The instruction is executed from its slot, with the trap flag set. */
  #stepOut(at: Addr): void {
    const site = this.#hit as UprobeSite;
    this.#hit = undefined;
    const { insn } = site;
    const slot = this.#area() + SLOT_BYTES;
    const lends = insn.how === 'step' ? insn.lends : -1;
    this.#space.poke(slot, insn.how === 'step' ? insn.slot : insn.bytes);
    const regs = this.#regs.of(at);
    const ip = regs.get('ip');
    let lent: readonly [lo: number, hi: number] = NOTHING_LENT;
    if (lends >= 0) {
      const behind = ip + insn.bytes.length;
      lent = [regs.half(lends, 0), regs.half(lends, 1)];
      regs.setHalves(lends, addrLo(behind), addrHi(behind));
    }
    regs.put('ip', slot);
    regs.setFlags(regs.flags() | FLAG.TF);
    this.#utask().stepping = { site, at: ip, lent };
  }
  #stepped(at: Addr): void {
    const utask = this.#utask();
    const { stepping } = utask;
    if (stepping === undefined) return;
    utask.stepping = undefined;
    const { site, lent } = stepping;
    const { insn } = site;
    const regs = this.#regs.of(at);
    regs.setFlags(regs.flags() & ~FLAG.TF);
    if (insn.how !== 'step') return;
    if (insn.lends >= 0) regs.setHalves(insn.lends, lent[0], lent[1]);
    const moved = stepping.at - (this.#area() + SLOT_BYTES);
    if (insn.after === 'next') regs.put('ip', regs.get('ip') + moved);
    else if (insn.after === 'call') {
      const sp = regs.get('sp');
      const back = regs.word(this.#space, sp) + moved;
      regs.putWord(this.#space, sp, addrLo(back), addrHi(back));
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
  #hijack(at: Addr): void {
    const utask = this.#utask();
    const regs = this.#regs.of(at);
    const stack = regs.get('sp');
    if (this.#space.space === undefined) {
      if (utask.returns.length < MOST_RETURNS)
        utask.returns.push({
          site: this.#hit as UprobeSite,
          func: regs.get('ip'),
          stack,
          returnsTo: 0,
          chained: false,
        });
      return;
    }
    const tramp = this.#area();
    // functions that were left by a longjmp lie below
    while (utask.returns.length > 0 && (utask.returns.at(-1) as ReturnInstance).stack < stack) utask.returns.pop();
    if (utask.returns.length >= MOST_RETURNS || !regs.hasWord(this.#space, stack)) return;
    const found = regs.word(this.#space, stack);
    const chained = found === tramp;
    const outer = utask.returns.at(-1);
    if (chained && outer === undefined) return;
    const returnsTo = chained ? (outer as ReturnInstance).returnsTo : found;
    utask.returns.push({ site: this.#hit as UprobeSite, func: regs.get('ip'), stack, returnsTo, chained });
    if (!chained) regs.putWord(this.#space, stack, addrLo(tramp), addrHi(tramp));
  }
  /**
   * What the trampoline pushed goes back, so that handlers see the registers at the function's return.
   *
   * @returns false where the call was made by other code than the trampoline
   */
  #enter(at: Addr): boolean {
    const utask = this.#utask();
    const regs = this.#regs.of(at);
    const area = this.#areas.get(this.#space);
    if (area === undefined || regs.get('ip') !== area + SYSCALL_END) return false;
    const sp = regs.get('sp');
    for (let n = 0; n < PUSHED.length; n++) regs.load(PUSHED[n]!, this.#space, sp + 8 * n);
    utask.trampoline.sp = sp;
    utask.trampoline.ip = regs.get('ip');
    regs.put('sp', sp + 8 * PUSHED.length);
    regs.put('orig_ax', -1);
    return true;
  }
  /** The next function that returns, its address in rdx; 0 behind the last. */
  #next(at: Addr): Addr {
    const utask = this.#utask();
    utask.returning ??= this.#returning(utask, at);
    const first = utask.returning.shift();
    if (first === undefined) {
      utask.returning = undefined;
      return 0;
    }
    utask.vaddr = first.func;
    this.#kernel.cpu.setReg(RDX, first.func);
    return first.site.address;
  }
  /** The function that returns, and those that it was jumped to from; the innermost first. */
  #returning(utask: UTask, at: Addr): ReturnInstance[] {
    const regs = this.#regs.of(at);
    const out: ReturnInstance[] = [];
    for (;;) {
      const one = utask.returns.pop();
      if (one === undefined) break;
      // the return popped the address: what lies deeper was left without returning
      if (one.stack + 8 < regs.get('sp')) continue;
      out.push(one);
      regs.put('ip', one.returnsTo);
      if (!one.chained) break;
    }
    return out;
  }
  /** The trampoline goes on and returns to the function's caller. */
  #leave(at: Addr): void {
    const { sp, ip } = this.#utask().trampoline;
    const regs = this.#regs.of(at);
    // in the place of rax, which stays what the handlers saw
    regs.store('ip', this.#space, sp + 16);
    regs.store('r11', this.#space, sp);
    regs.store('cx', this.#space, sp + 8);
    regs.put('sp', sp);
    regs.put('ip', ip);
    regs.put('cx', ip);
    regs.put('r11', regs.get('flags'));
  }
}
