/** bpf(2): the one door into the kernel for programs, maps, BTF and links. */
import { Btf, BtfError } from '../../src/btf/index.ts';
import { writeInsns } from '../../src/isa/index.ts';
import { type Addr, addrToBigInt } from '../../src/machine/addr.ts';
import type { Kernel } from '../kernel.ts';
import { contextModel, layoutOf } from './context/index.ts';
import { ImageEngine } from './engine/image-engine.ts';
import { InterpEngine } from './engine/interp-engine.ts';
import { BpfError } from './errors.ts';
import { MapHandle, Program } from './handles.ts';
import { defineHelper } from './helpers/bodies/index.ts';
import { MapCommands } from './map-commands.ts';
import { createMap, type MapCreateAttrs } from './map-create.ts';
import type { BpfMap } from './maps/index.ts';
import { buildProgram, type Engines } from './prog/build.ts';
import { checkLoad, type ProgLoadAttrs } from './prog/load.ts';
import type { BpfProg } from './prog/prog.ts';
import { BpfState, BtfObject } from './state.ts';
import { type InsnCounter, testRun } from './testrun/index.ts';
import type { TestRunOptions, TestRunResult } from './testrun/types.ts';

export class Bpf {
  readonly #state: BpfState;
  readonly #mapCommands: MapCommands;
  #engines: Engines | undefined;

  constructor(kernel: Kernel) {
    this.#state = new BpfState(kernel);
    this.#mapCommands = new MapCommands(this.#state);
  }

  /** Objects by id, for those who list them. */
  get state(): BpfState {
    return this.#state;
  }

  /** BPF_PROG_LOAD. @throws BpfError with errno and the verifier's log */
  progLoad(attrs: ProgLoadAttrs): Program {
    const prog = buildProgram(this.#state, this.#engine(), checkLoad(this.#state, attrs));
    return this.#program(prog, this.#state.kernel.fds.install(prog));
  }

  /** BPF_MAP_CREATE. @throws BpfError */
  mapCreate(attrs: MapCreateAttrs): MapHandle {
    const map = createMap(this.#state, attrs);
    return this.#map(map, this.#state.kernel.fds.install(map));
  }

  /** BPF_BTF_LOAD. @throws BpfError EINVAL with the parser's message as the log */
  btfLoad(bytes: Uint8Array): { readonly fd: number; readonly id: number; readonly btf: Btf } {
    let btf: Btf;
    try {
      btf = Btf.parse(bytes);
    } catch (error) {
      if (error instanceof BtfError) throw new BpfError('BPF_BTF_LOAD', 'EINVAL', error.message, `${error.message}\n`);
      throw error;
    }
    const object = new BtfObject(btf, bytes);
    this.#state.btfs.add(object);
    return { fd: this.#state.kernel.fds.install(object), id: object.id, btf };
  }

  /** BPF_PROG_TEST_RUN */
  progTestRun(prog: Program | number, options: TestRunOptions = {}): TestRunResult {
    return this.#testRun(typeof prog === 'number' ? this.#state.progByFd('BPF_PROG_TEST_RUN', prog) : prog.prog, options);
  }

  /** Program behind a descriptor. */
  prog(fd: number): Program {
    return this.#program(this.#state.progByFd('BPF_OBJ_GET_INFO_BY_FD', fd), fd);
  }
  /** Map behind a descriptor. */
  map(fd: number): MapHandle {
    return this.#map(this.#state.mapByFd('BPF_OBJ_GET_INFO_BY_FD', fd), fd);
  }
  close(fd: number): void {
    this.#state.kernel.fds.close(fd);
  }

  #program(prog: BpfProg, fd: number): Program {
    return new Program(
      {
        testRun: (p, options) => this.#testRun(p, options),
        dump: (p) => writeInsns(p.init.code.insns),
        close: (n) => this.close(n),
      },
      prog,
      fd,
    );
  }
  #map(map: BpfMap, fd: number): MapHandle {
    return new MapHandle(this.#mapCommands, map, fd);
  }

  #testRun(prog: BpfProg, options: TestRunOptions): TestRunResult {
    return testRun(this.#state, () => this.#counter(), prog, options);
  }
  #counter(): InsnCounter {
    const { interp } = this.#engine();
    return {
      read: () => interp.executed,
      limit: (more) => {
        interp.limit = more === undefined ? Number.POSITIVE_INFINITY : interp.executed + more;
      },
    };
  }

  /** The engines, made when the first program is loaded. */
  #engine(): Engines {
    if (this.#engines) return this.#engines;
    const state = this.#state;
    const { kernel } = state;
    this.#engines = {
      interp: new InterpEngine(kernel, state.callBase, (at: Addr) => state.mapAt(at)),
      image: new ImageEngine(kernel, state.callBase, (at: Addr) => state.progAt(at)),
      defineHelper: (symbol) => defineHelper(state, symbol),
      ldAbs: (type) => {
        const model = contextModel(type, {
          layout: layoutOf(kernel.btf),
          symbol: (name) => {
            defineHelper(state, name);
            const at = kernel.symbols.address(name);
            return at === undefined ? undefined : addrToBigInt(at);
          },
          callBase: state.callBase,
          attach: 0,
          scope: {},
        });
        return model?.genLdAbs?.bind(model);
      },
    };
    return this.#engines;
  }
}
