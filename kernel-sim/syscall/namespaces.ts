/** What clone, unshare, setns and sethostname do to namespaces (clone(2), unshare(2), setns(2); kernel/nsproxy.c, Linux 6.12). */
import type { Addr } from '../../src/machine/addr.ts';
import { IN_NSPROXY, NAMESPACES, type NamespaceKind, namespaceOfFlag } from '../../src/uapi/namespaces.ts';
import { CLONE_VM } from '../../src/uapi/process.ts';
import { S_IF } from '../core/file-mode.ts';
import { GuestStruct } from '../core/guest-struct.ts';
import type { ObjectFloor } from '../floors/objects.ts';
import type { Task } from '../task/task.ts';
import type { On } from '../text/hypercalls.ts';

/** proc_ns_operations.install of each kind */
const INSTALL: Readonly<Record<NamespaceKind, string>> = {
  ...{ mnt: 'mntns_install', uts: 'utsns_install', ipc: 'ipcns_install', pid: 'pidns_install' },
  ...{ cgroup: 'cgroupns_install', net: 'netns_install', time: 'timens_install', user: 'userns_install' },
};
/** /proc/self/ns/net, /proc/17/ns/pid_for_children */
const FILE = /^\/proc\/(self|thread-self|\d+)(?:\/task\/\d+)?\/ns\/([a-z]+)(_for_children)?$/;

export class NamespaceCalls {
  readonly #kernel: ObjectFloor;
  constructor(kernel: ObjectFloor) {
    this.#kernel = kernel;
  }
  register(on: On): void {
    const kernel = this.#kernel;
    const { args, memory, structs, tasks, files, objects, text } = kernel;
    const { namespaces } = objects;
    const { creds, spaces } = tasks;
    text.maker.mayCall(Object.values(INSTALL));

    // (flags, task, user namespace): whether it gets a struct nsproxy of its own
    on('new_nsproxy', () => {
      const own = spaces.proxy(tasks.at(args.addr(1)) ?? tasks.current);
      const moves = !(args.lo(0) & CLONE_VM) && namespaces.in(own, 'time') !== timeNow(own);
      args.retU32(args.lo(0) & IN_NSPROXY || moves ? 1 : 0);
    });
    const timeNow = (proxy: Addr): Addr => memory.readAddr(proxy + structs.of('nsproxy').offset('time_ns'));
    // (task): its namespaces, copied
    on('create_nsproxy', () => {
      this.#keep(tasks.current);
      args.retAddr(namespaces.copyProxy(spaces.proxy(tasks.at(args.addr(0)) ?? tasks.current)));
    });
    // (flags, flag of the kind, the one that there is, user namespace)
    on('copy_namespace', () => {
      const kind = namespaceOfFlag(args.lo(1));
      if (kind === undefined || !(args.lo(0) & args.lo(1))) args.retAddr(namespaces.get(args.addr(2)));
      else args.retAddr(namespaces.clone(kind, args.addr(2), args.addr(3)));
    });
    // (nsproxy, flag of the kind, namespace)
    on('nsproxy_has', () => {
      const kind = namespaceOfFlag(args.lo(1));
      if (kind !== undefined) namespaces.put(args.addr(0), NAMESPACES[kind].fields[0] ?? '', args.addr(2));
    });
    // timens_on_fork(): (nsproxy)
    on('timens_on_fork', () => {
      const proxy = args.addr(0);
      namespaces.put(proxy, 'time_ns', namespaces.get(namespaces.in(proxy, 'time')));
    });
    on('switch_namespaces', () => {
      const task = tasks.at(args.addr(0));
      if (task !== undefined) spaces.switchTo(task, args.addr(1));
    });
    on('alloc_pid', () => {
      const task = tasks.at(args.addr(0));
      if (task !== undefined) spaces.number(task, namespaces.in(spaces.proxy(task), 'pid'));
    });
    on('current_user_ns', () => args.retAddr(creds.userNs(tasks.current.cred)));
    on('cred_user_ns', () => args.retAddr(creds.userNs(args.addr(0) === 0 ? tasks.current.cred : args.addr(0))));
    // create_user_ns(): (new credentials)
    on('create_user_ns', () => {
      this.#keep(tasks.current);
      const parent = creds.userNs(args.addr(0));
      creds.enter(args.addr(0), namespaces.clone('user', parent, parent));
    });

    // an argument that a result is put through
    on('store', () => memory.writeAddr(args.addr(0), args.addr(1)));

    // setns: (file) the namespace, (namespace) who installs it, (nsproxy, namespace)
    on('ns_of_file', () => {
      const file = args.addr(0);
      args.retAddr(file === 0 ? 0 : this.#kept(file) || this.#named(tasks.current, files.pathOf(file)));
    });
    on('drop_nsproxy', () => namespaces.dropProxy(args.addr(0)));
    on('ns_install', () => {
      const kind = namespaces.kindOf(args.addr(0));
      args.retAddr(kind === undefined ? 0 : text.place(INSTALL[kind]));
    });
    on('nsset', () => {
      const kind = namespaces.kindOf(args.addr(1));
      if (kind !== undefined && kind !== 'user')
        for (const field of NAMESPACES[kind].fields) namespaces.put(args.addr(0), field, namespaces.get(args.addr(1)));
    });
    on('join_user_ns', () => creds.enter(args.addr(0), namespaces.get(args.addr(1))));
    for (const field of ['nodename', 'domainname'] as const)
      on(`set_${field}`, () => {
        const given = tasks.current.call?.args[0];
        if (given?.kind === 'string' || given?.kind === 'bytes')
          namespaces.rename(
            namespaces.in(spaces.proxy(tasks.current), 'uts'),
            field,
            given.bytes.subarray(0, args.lo(0)),
          );
      });
  }

  /**
   * Before a task changes its namespaces: its open files of /proc/self/ns go on standing for those that it leaves. They get
   * the inode that nsfs has for each, whose `i_private` is the namespace.
   */
  #keep(task: Task): void {
    const { files, memory, objects, structs } = this.#kernel;
    const inode = structs.of('file').offset('f_inode');
    for (let fd = 0; fd < files.room(task); fd++) {
      const file = files.get(task, fd);
      const ns = file === 0 || this.#kept(file) ? 0 : this.#named(task, files.pathOf(file));
      if (ns !== 0) memory.writeAddr(file + inode, this.#inode(objects.namespaces.get(ns)));
    }
  }
  #inode(ns: Addr): Addr {
    const { structs, slab, objects } = this.#kernel;
    const inode = new GuestStruct(this.#kernel, 'inode', slab.kmalloc(structs.of('inode').size));
    inode
      .set('i_mode', S_IF.REG | 0o444)
      .set('i_ino', objects.namespaces.inode(ns))
      .set('i_private', ns);
    return inode.at;
  }
  /** The namespace that a file was given by {@link NamespaceCalls.#keep}. */
  #kept(file: Addr): Addr {
    const { memory, objects, structs } = this.#kernel;
    const inode = memory.readAddr(file + structs.of('file').offset('f_inode'));
    const ns = inode === 0 ? 0 : memory.readAddr(inode + structs.of('inode').offset('i_private'));
    return objects.namespaces.kindOf(ns) === undefined ? 0 : ns;
  }
  #named(opener: Task, path: string): Addr {
    const match = FILE.exec(path);
    const who = match && (/^\d/.test(match[1] as string) ? this.#kernel.tasks.find(Number(match[1])) : opener);
    return match && who ? this.#of(who, match[2] as string, match[3] !== undefined) : 0;
  }
  /** What a name in /proc/PID/ns stands for. */
  #of(task: Task, name: string, forChildren: boolean): Addr {
    const { tasks, objects, memory, structs } = this.#kernel;
    if (!Object.hasOwn(NAMESPACES, name)) return 0;
    const kind = name as NamespaceKind;
    if (kind === 'user') return tasks.creds.userNs(task.cred);
    const proxy = tasks.spaces.proxy(task);
    if (proxy === 0) return 0;
    if (kind === 'pid' && !forChildren) return objects.namespaces.active(task.pidStruct);
    if (kind === 'time' && !forChildren) return memory.readAddr(proxy + structs.of('nsproxy').offset('time_ns'));
    return objects.namespaces.in(proxy, kind);
  }
}
