/**
 * Functions whose symbol tells what the compiler did to them: `.isra` where it changed the parameters, `.constprop` where
 * it knew an argument, `.part` for what is left of a function that it took a piece out of (GCC's -fipa-sra, -fipa-cp,
 * -fpartial-inlining). Tables name the function, as the source does; builds differ here, so that the symbol is a row.
 */
import { inRelease, type Versioned } from './release.ts';

interface CompiledName extends Versioned {
  /** as the tables of functions have it */
  readonly name: string;
  /** as kallsyms has it */
  readonly symbol: string;
}

const ROWS: readonly CompiledName[] = [
  { name: '__do_pipe_flags.part', symbol: '__do_pipe_flags.part.0' },
  { name: '__netif_receive_skb_core', symbol: '__netif_receive_skb_core.constprop.0' },
  { name: '__tcf_classify', symbol: '__tcf_classify.constprop.0' },
  { name: 'copy_strings', symbol: 'copy_strings.isra.0' },
  { name: 'count', symbol: 'count.constprop.0.isra.0' },
  { name: 'do_execveat_common', symbol: 'do_execveat_common.isra.0' },
  { name: 'finish_task_switch', symbol: 'finish_task_switch.isra.0' },
  { name: 'getname_flags.part', symbol: 'getname_flags.part.0' },
  { name: 'ip_rcv_finish_core', symbol: 'ip_rcv_finish_core.constprop.0' },
  { name: 'run_lwt_bpf', symbol: 'run_lwt_bpf.constprop.0' },
  { name: 'link_path_walk', symbol: 'link_path_walk.part.0.constprop.0' },
];

const symbols = new Map(ROWS.filter((row) => inRelease(row)).map(({ name, symbol }) => [name, symbol]));

/** The symbol of a function of the tables. */
export const compiledName = (name: string): string => symbols.get(name) ?? name;
