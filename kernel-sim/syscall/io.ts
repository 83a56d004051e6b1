/** What reads, writes and opens do to the page cache, and to which files there are (Linux 6.12 Documentation/filesystems/vfs.rst). */

import type { Addr } from '../../src/machine/addr.ts';
import { O } from '../../src/uapi/fcntl.ts';
import { S_IF, S_IFMT } from '../core/file-mode.ts';
import { PAGE_SIZE } from '../core/layout.ts';
import { NAME_WALK, RANGE } from '../core/object-words.ts';
import type { ObjectFloor } from '../floors/objects.ts';

/** include/uapi/asm-generic/fcntl.h */
/** include/linux/fs.h: the open made the file */
const FMODE_CREATED = 0x10_0000;

/** `struct file` of a file whose pages are cached. */
export function hasPages({ memory, structs }: ObjectFloor, file: Addr): boolean {
  if (file === 0) return false;
  const at = structs.of('file');
  if (memory.readAddr(file + at.offset('f_mapping')) === 0) return false;
  const inode = memory.readAddr(file + at.offset('f_inode'));
  const mode = memory.readU16(inode + structs.of('inode').offset('i_mode'));
  return (mode & S_IFMT) === S_IF.REG;
}

export function registerIo(kernel: ObjectFloor, on: (name: string, handler: () => void) => void): void {
  const { args, memory, structs, files, recorded, text } = kernel;
  const { pages, dcache } = files;
  const file = structs.offsets('file', ['f_mapping', 'f_mode', 'f_inode', 'f_ra']);
  const prevPos = file.f_ra + structs.offsets('file_ra_state', ['prev_pos']).prev_pos;
  const iocb = structs.offsets('kiocb', ['ki_filp', 'ki_pos']);
  const folio = structs.offsets('folio', ['mapping', 'private']);
  const bh = structs.offsets('buffer_head', ['b_folio', 'b_size']);
  const host = structs.of('address_space').offset('host');
  const mappingAt = structs.of('inode').offset('i_mapping');
  const openFlag = structs.of('open_flags').offset('open_flag');
  text.maker.mayCall(['generic_file_read_iter', 'generic_file_write_iter']);

  // (range, iocb, write): the pages that the call reads or writes; whether one is missing
  on('filemap_range', () => {
    const [range, io] = [args.addr(0), args.addr(1)];
    const at = memory.readAddr(io + iocb.ki_filp);
    const position = memory.readAddr(io + iocb.ki_pos);
    const bytes = recorded.failed ? 0 : recorded.lo;
    const missing = pages.range(range, memory.readAddr(at + file.f_mapping), position, bytes);
    if (args.lo(2) === 0) {
      const before = memory.readAddr(at + prevPos);
      if (before > 0) memory.writeAddr(range + RANGE.before, Math.floor((before - 1) / PAGE_SIZE));
      if (bytes > 0) memory.writeAddr(at + prevPos, position + bytes);
    }
    args.retU32(missing ? 1 : 0);
  });
  // (range): goes on to the next page that is missing
  on('range_missing', () => {
    const range = args.addr(0);
    const end = memory.readAddr(range + RANGE.end);
    const mapping = memory.readAddr(range + RANGE.mapping);
    for (let index = memory.readAddr(range + RANGE.next); index < end; index++) {
      if (pages.find(mapping, index) !== 0) continue;
      memory.writeAddr(range + RANGE.index, index);
      memory.writeAddr(range + RANGE.next, index + 1);
      args.retU32(1);
      return;
    }
    args.retU32(0);
  });
  // (range): the next folio that was read, and that the read before did not end in
  on('folio_read', () => {
    const range = args.addr(0);
    const end = memory.readAddr(range + RANGE.end);
    const mapping = memory.readAddr(range + RANGE.mapping);
    const before = memory.readAddr(range + RANGE.before);
    let found = 0;
    let index = memory.readAddr(range + RANGE.told);
    for (; index < end && found === 0; index++) if (index !== before) found = pages.find(mapping, index);
    memory.writeAddr(range + RANGE.told, index);
    args.retAddr(found);
  });
  on('folio_alloc', () => args.retAddr(pages.alloc()));
  on('folio_add', () => pages.add(args.addr(0), args.addr(1), args.lo(2)));
  on('folio_of', () => args.retAddr(pages.find(args.addr(0), args.lo(1))));
  // (folio): its one buffer_head, made when it is first written
  on('folio_buffers', () => {
    const at = args.addr(0);
    if (at === 0) {
      args.retAddr(0);
      return;
    }
    let buffer = memory.readAddr(at + folio.private);
    if (buffer === 0) {
      buffer = kernel.slab.kmalloc(bh.sizeof);
      memory.writeAddr(buffer + bh.b_folio, at);
      memory.writeAddr(buffer + bh.b_size, PAGE_SIZE);
      memory.writeAddr(at + folio.private, buffer);
    }
    args.retAddr(buffer);
  });
  // (bh): its folio, where it was clean
  on('buffer_dirty', () => {
    const at = memory.readAddr(args.addr(0) + bh.b_folio);
    args.retAddr(pages.dirties(at) ? at : 0);
  });
  on('folio_inode', () => args.retAddr(memory.readAddr(memory.readAddr(args.addr(0) + folio.mapping) + host)));
  on('folios_clean', () => {
    if (hasPages(kernel, args.addr(0))) pages.clean(memory.readAddr(args.addr(0) + file.f_mapping));
  });

  /** A dentry's file goes, with its pages; who has it open keeps the inode. */
  const gone = (dentry: Addr): void => {
    if (dentry === 0 || dcache.inode(dentry) === 0) return;
    pages.drop(memory.readAddr(dcache.inode(dentry) + mappingAt));
    dcache.gone(dentry);
  };
  // (name, op, file): a file that O_CREAT makes, as far as the recording has not shown before that it is there
  on('open_creates', () => {
    const [name, op, at] = [args.addr(0), args.addr(1), args.addr(2)];
    const flags = memory.readU32(op + openFlag);
    const dentry = name === 0 || at === 0 ? 0 : memory.readAddr(name + NAME_WALK.dentry);
    // the open went wrong behind the look-up: a file was there
    if (dentry !== 0 && recorded.failed) {
      dcache.found(dentry);
      memory.writeAddr(at + file.f_inode, dcache.inode(dentry));
    }
    const isThere = dentry !== 0 && dcache.isThere(dentry) && dcache.inode(dentry) !== 0;
    if (dentry === 0 || recorded.failed || (isThere && (flags & O.EXCL) === 0)) {
      args.retAddr(0);
      return;
    }
    dcache.absent(dentry);
    memory.writeU32(at + file.f_mode, memory.readU32(at + file.f_mode) | FMODE_CREATED);
    args.retAddr(dentry);
  });
  on('d_delete', () => gone(args.addr(0)));
}
