/** Of blessed 0.1.81, what is used: its program, the terminal below the widgets. */
declare module 'blessed/lib/program' {
  import type { EventEmitter } from 'node:events';

  export interface Key {
    /** `C-c`, `S-tab`, `pageup`, `a` */
    readonly full: string;
    readonly ch?: string;
    readonly sequence?: string;
  }
  export interface MouseEvent {
    readonly action: 'mousedown' | 'mouseup' | 'mousemove' | 'wheelup' | 'wheeldown';
    /** from 0 */
    readonly x: number;
    readonly y: number;
  }
  export interface Program extends EventEmitter {
    readonly cols: number;
    readonly rows: number;
    flush(): void;
    destroy(): void;
    on(event: 'keypress', listener: (ch: string | undefined, key: Key) => void): this;
    on(event: 'mouse', listener: (event: MouseEvent) => void): this;
    on(event: 'resize', listener: () => void): this;
  }
  interface ProgramOptions {
    readonly tput: boolean;
    readonly buffer: boolean;
    readonly zero: boolean;
  }
  export default function program(options: ProgramOptions): Program;
}
