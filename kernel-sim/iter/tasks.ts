/** Iterators over tasks: kernel/bpf/task_iter.c of Linux 6.12. */
import type { Addr } from '../../src/machine/addr.ts';
import type { ObjectFloor } from '../floors/objects.ts';
import type { Task } from '../task/task.ts';
import type { Element, Walk } from './target.ts';

/** fs.nr_open: positions are of a task, and of a descriptor in it */
const NR_OPEN = 1 << 20;

/** Which tasks: all, one thread, or the threads of one process. */
export interface TaskChoice {
  readonly tid?: number;
  readonly pid?: number;
}

/** Tasks by their ids, each at the position that its id is. */
class Tasks {
  readonly #kernel: ObjectFloor;
  readonly #choice: TaskChoice;
  #sorted: Task[] = [];
  constructor(kernel: ObjectFloor, choice: TaskChoice) {
    this.#kernel = kernel;
    this.#choice = choice;
  }
  start(): void {
    const { tid, pid } = this.#choice;
    const isChosen = (t: Task): boolean =>
      (tid === undefined || t.pid === tid) && (pid === undefined || t.tgid === pid);
    // the idle tasks have no id that could be found
    this.#sorted = [...this.#kernel.tasks.all()]
      .filter((t) => t.pid !== 0 && isChosen(t))
      .sort((a, b) => a.pid - b.pid);
  }
  from(id: number): Task | undefined {
    if (this.#sorted.length === 0) this.start();
    return this.#sorted.find((t) => t.pid >= id);
  }
}

export function tasks(kernel: ObjectFloor, choice: TaskChoice): Walk {
  const all = new Tasks(kernel, choice);
  return {
    atEnd: [0],
    start: () => all.start(),
    at: (position) => {
      const task = all.from(position);
      return task && { position: task.pid, context: [task.address] };
    },
  };
}

/** vm.max_map_count: positions are of a task, and of an area in it */
const MAX_AREAS = 1 << 16;

/** Areas of each process, lowest first. */
export function taskAreas(kernel: ObjectFloor, choice: TaskChoice): Walk {
  const all = new Tasks(kernel, choice);
  return {
    atEnd: [0, 0],
    start: () => all.start(),
    at: (position): Element | undefined => {
      let id = Math.floor(position / MAX_AREAS);
      let n = position % MAX_AREAS;
      for (let task = all.from(id); task !== undefined; task = all.from(id)) {
        const area = task.pid === task.tgid ? task.maps?.areas[task.pid === id ? n : 0] : undefined;
        const index = task.pid === id ? n : 0;
        if (area)
          return {
            position: task.pid * MAX_AREAS + index,
            context: [task.address, kernel.programs.areaObject(task, area)],
          };
        id = task.pid + 1;
        n = 0;
      }
      return undefined;
    },
  };
}

/** Open files of each process: threads that share their leader's table are passed over. */
export function taskFiles(kernel: ObjectFloor, choice: TaskChoice): Walk {
  const all = new Tasks(kernel, choice);
  const { files, memory } = kernel;
  const isOwn = (task: Task): boolean => {
    const leader = kernel.tasks.find(task.tgid);
    return (
      task.pid === task.tgid || leader === undefined || memory.readAddr(leader.files) !== memory.readAddr(task.files)
    );
  };
  const next = (task: Task, from: number): [fd: number, file: Addr] | undefined => {
    const room = files.room(task);
    for (let fd = from; fd < room; fd++) {
      const file = files.get(task, fd);
      if (file !== 0) return [fd, file];
    }
    return undefined;
  };
  return {
    atEnd: [0, 0, 0],
    start: () => all.start(),
    at: (position): Element | undefined => {
      let id = Math.floor(position / NR_OPEN);
      let fd = position % NR_OPEN;
      for (let task = all.from(id); task !== undefined; task = all.from(id)) {
        const found = isOwn(task) ? next(task, task.pid === id ? fd : 0) : undefined;
        if (found) return { position: task.pid * NR_OPEN + found[0], context: [task.address, found[0], found[1]] };
        id = task.pid + 1;
        fd = 0;
      }
      return undefined;
    },
  };
}
