/** Files: open, read, write, close, stat, directories. Callees in the order of Linux 6.12's own text. */
export const fs: Readonly<Record<string, string>> = {
  '__x64_sys_open(regs:pt_regs)':
    '@build_open_how(%how, regs->si, regs->dx); n = do_sys_openat2(-100, regs->di, %how); return n',
  '__x64_sys_creat(regs:pt_regs)':
    '@build_open_how(%how, 577, regs->si); n = do_sys_openat2(-100, regs->di, %how); return n',
  '__x64_sys_openat(regs:pt_regs)':
    '@build_open_how(%how, regs->dx, regs->r10); n = do_sys_openat2(regs->di, regs->si, %how); return n',
  '__x64_sys_openat2(regs:pt_regs)':
    '@copy_how(%how, regs->dx); n = do_sys_openat2(regs->di, regs->si, %how); return n',
  'do_sys_open(dfd, filename, flags, mode)':
    '@build_open_how(%how, flags, mode); n = do_sys_openat2(dfd, filename, %how); return n',
  'do_sys_openat2(dfd, filename, how:open_how)':
    'build_open_flags(how, %op); name = getname(filename); get_unused_fd_flags(how->flags); f = do_filp_open(dfd, name, %op); fd_install(result, f)?; put_unused_fd(0)!; putname(name); return result',
  'do_filp_open(dfd, pathname:filename, op)': '%nd+0 = pathname; f = path_openat(%nd, op, 65); return f',
  'path_openat(nd, op:open_flags, flags)':
    'f:file = alloc_empty_file(op->open_flag, current); s = path_init(nd, flags); q = @load(nd); link_path_walk(q, nd); w = @open_follows(op); l = @follow_link(q, w); i = @dentry_inode(l); security_inode_follow_link(l, i, 1)? if l; link_path_walk(q, nd)? if l; @file_follow(f, q) if l; lookup_fast(nd)?; c = @open_creates(q, op, f); p = @parent_inode(c) if c; @name_parent(%path, q) if c; mnt_want_write(0) if c; down_write(0) if c; d_alloc_parallel(0, 0, 0) if c; u = @umasked(op->mode); security_path_mknod(%path, c, u, 0)? if c; inode_permission(0, p, 3)? if c; security_inode_create(p, c, u)? if c; j = @instantiate(c, u, 0)? if c; security_inode_alloc(j, 0xcc0)? if c; security_inode_init_security(j, p, 0, 0, 0)? if c; security_d_instantiate(c, j)? if c; @file_created(f, c)? if c; fsnotify(0x100, 0, 0, p, 0, 0)? if c; up_write(0) if c; mnt_drop_write(0) if c; step_into(nd, 0, 0)?; complete_walk(nd)?; m = @unless(c, op->acc_mode); may_open(0, f->f_path, m)?; v = @open_reached(); *v(f->f_path, f); security_file_post_open(f, op->acc_mode)?; ima_file_check(f, op->acc_mode)?; terminate_walk(nd); security_file_free(f)!; fput(f)!; @file_free(f)!; return f or result',
  'd_delete(dentry)': '@d_delete(dentry)',
  'alloc_empty_file(flags, cred)': 'f = @file_alloc(); @init_file(f, flags); security_file_alloc(f); return f',
  'vfs_open(path, file:file): int': 'do_dentry_open(file, 0); fsnotify(32, path, 2, 0, 0, file->f_inode); return 0',
  'do_dentry_open(f:file, open): int':
    'path_get(f->f_path); security_file_open(f); @dentry_open(f); o = @file_open(f); *o(f->f_inode, f); file_set_fsnotify_mode(f); file_ra_state_init(f->f_ra, f->f_mapping); @file_opened(f); return 0',
  'kmem_cache_free(s, x)': 'return 0',
  'getname(filename)': 'n = getname_flags.part(filename, 0); return n',
  'getname_flags(filename, flags)': 'n = getname_flags.part(filename, flags); return n',
  'getname_flags.part(filename, flags)':
    'kmem_cache_alloc_noprof(0, 3264); strncpy_from_user(0, filename, 4064); n = @getname(filename); return n',
  'fd_install(fd, file)': '@fd_install(fd, file)',
  'get_unused_fd_flags(flags): int': 'alloc_fd(0, 1024, flags); return result',
  'get_unused_fd_flags_plain(flags)': 'return result',

  '__x64_sys_close(regs:pt_regs)': 'f = file_close_fd(regs->di); filp_flush(f, 0)?; __fput_sync(f)?; return result',
  'file_close_fd(fd)': '_raw_spin_lock(0); f = @file_close_fd(fd); _raw_spin_unlock(0); return f',
  'filp_close(filp, id): int': 'filp_flush(filp, id); fput(filp); return 0',
  'filp_flush(filp, id): int': 'dnotify_flush(filp, id); locks_remove_posix(filp, id); return 0',
  '__fput_sync(file)': 'p = @fput_last(file); *p(file)',
  '__fput(file:file)':
    '__fsnotify_parent(file->f_path, 8); locks_remove_file(file); security_file_release(file); r = @file_release(file); *r(0, file); file_f_owner_release(file); dput(file->f_path.dentry); mntput(file->f_path.mnt); security_file_free(file); @file_free(file)',

  '__x64_sys_read(regs:pt_regs)': 'n = ksys_read(regs->di, regs->si, regs->dx); return n',
  'ksys_read(fd, buf, count)':
    'f:file = fdget_pos(fd); %pos+0 = f->f_pos; n = vfs_read(f, buf, count, %pos); @pos_store(f, %pos)?; __f_unlock_pos(f); return n',
  'vfs_read(file, buf, count, pos)':
    'rw_verify_area(0, file, pos, count); r = @read_iter(file); @kiocb(%kiocb, file, pos); @iov_iter_ubuf(%iter, buf, count); *r(%kiocb, %iter); @pos_advance(pos)?; block; @fill_user(buf, result)?; fsnotify(1, file, 1, 0, 0, 0)?; return result',
  'rw_verify_area(rw, file, pos, count): int': 'm = @rw_mask(rw); n = security_file_permission(file, m); return n',
  '__x64_sys_write(regs:pt_regs)': 'n = ksys_write(regs->di, regs->si, regs->dx); return n',
  'ksys_write(fd, buf, count)':
    'f:file = fdget_pos(fd); %pos+0 = f->f_pos; n = vfs_write(f, buf, count, %pos); @pos_store(f, %pos)?; __f_unlock_pos(f); return n',
  'vfs_write(file, buf, count, pos)':
    'rw_verify_area(1, file, pos, count); r = @write_iter(file); @kiocb(%kiocb, file, pos); @iov_iter_ubuf(%iter, buf, count); *r(%kiocb, %iter); @pos_advance(pos)?; block; fsnotify(2, file, 1, 0, 0, 0)?; return result',
  '__x64_sys_pread64(regs:pt_regs)':
    'f = fdget(regs->di); %pos+0 = regs->r10; n = vfs_read(f, regs->si, regs->dx, %pos); return n',
  '__x64_sys_pwrite64(regs:pt_regs)':
    'f = fdget(regs->di); %pos+0 = regs->r10; n = vfs_write(f, regs->si, regs->dx, %pos); return n',
  '__x64_sys_readv(regs:pt_regs)': 'n = do_readv(regs->di, regs->si, regs->dx, 0); return n',
  'do_readv(fd, vec, vlen, flags)':
    'f:file = fdget_pos(fd); %pos+0 = f->f_pos; n = vfs_readv(f, vec, vlen, %pos, flags); @pos_store(f, %pos)?; __f_unlock_pos(f); return n',
  'vfs_readv(file, vec, vlen, pos, flags)':
    'import_iovec(0, vec, vlen, 8, 0, 0); rw_verify_area(0, file, pos, 0); do_iter_readv_writev(file, 0, pos, 0, flags); @pos_advance(pos)?; return result',
  '__x64_sys_writev(regs:pt_regs)': 'n = do_writev(regs->di, regs->si, regs->dx, 0); return n',
  'do_writev(fd, vec, vlen, flags)':
    'f:file = fdget_pos(fd); %pos+0 = f->f_pos; n = vfs_writev(f, vec, vlen, %pos, flags); @pos_store(f, %pos)?; __f_unlock_pos(f); return n',
  'vfs_writev(file, vec, vlen, pos, flags)':
    'import_iovec(1, vec, vlen, 8, 0, 0); rw_verify_area(1, file, pos, 0); do_iter_readv_writev(file, 0, pos, 1, flags); @pos_advance(pos)?; return result',
  'do_iter_readv_writev(file, iter, pos, type, flags)':
    '@kiocb(%kiocb, file, pos); r = @rw_iter(file, type); *r(%kiocb, iter); return result',
  '__x64_sys_lseek(regs:pt_regs)': 'n = ksys_lseek(regs->di, regs->si, regs->dx); return n',
  'ksys_lseek(fd, offset, whence)':
    'f = fdget_pos(fd); vfs_llseek(f, offset, whence); @pos_set(f, result)?; return result',
  '__x64_sys_fsync(regs:pt_regs)': 'n = do_fsync(regs->di, 0); return n',
  '__x64_sys_fdatasync(regs:pt_regs)': 'n = do_fsync(regs->di, 1); return n',
  'do_fsync(fd, datasync): int': 'f = fdget(fd); vfs_fsync_range(f, 0, -1, datasync)?; return result',

  'vfs_fsync_range(file, start, end, datasync): int':
    's = @file_fsync(file); *s(file, start, end, datasync); g = @unless(s, file); file_write_and_wait_range(g, start, end) if g; return result',
  'vfs_getattr_nosec(path, stat, mask, flags): int': 'g = @getattr_of(path); *g(0, path, stat, mask, flags); return 0',
  '__x64_sys_newstat(regs:pt_regs)': 'n = __do_sys_newstat(regs->di, regs->si); return n',
  '__do_sys_newstat(filename, statbuf)':
    'name = getname_flags(filename, 0); vfs_statx(-100, name, 0, %stat, 2047); putname(name); cp_new_stat(%stat, statbuf)?; return result',
  '__x64_sys_newlstat(regs:pt_regs)': 'n = __do_sys_newlstat(regs->di, regs->si); return n',
  '__do_sys_newlstat(filename, statbuf)':
    'name = getname_flags(filename, 0); vfs_statx(-100, name, 256, %stat, 2047); putname(name); cp_new_stat(%stat, statbuf)?; return result',
  '__x64_sys_newfstat(regs:pt_regs)': 'n = __do_sys_newfstat(regs->di, regs->si); return n',
  '__do_sys_newfstat(fd, statbuf)': 'vfs_fstat(fd, %stat); cp_new_stat(%stat, statbuf)?; return result',
  '__x64_sys_newfstatat(regs:pt_regs)': 'n = __do_sys_newfstatat(regs->di, regs->si, regs->dx, regs->r10); return n',
  '__do_sys_newfstatat(dfd, filename, statbuf, flag)':
    'vfs_fstatat(dfd, filename, %stat, flag); cp_new_stat(%stat, statbuf)?; return result',
  'vfs_fstatat(dfd, filename, stat, flags): int':
    'f = @fstatat(filename, flags); *f(dfd, stat, filename, flags); return result',
  'vfs_fstatat_path(dfd, stat, filename, flags)':
    'name = getname_flags(filename, flags); vfs_statx(dfd, name, flags, stat, 2047); putname(name); return result',
  'vfs_statx(dfd, filename, flags, stat, mask): int':
    'n = @and(flags, 0x100); l = @unless(n, 1); filename_lookup(dfd, filename, l, %path, 0); vfs_statx_path(%path, flags, stat, mask)?; path_put(%path)?; return result',
  'vfs_statx_path(path, flags, stat, mask): int':
    'security_inode_getattr(path); i = @path_inode(path); @stat_told(i)?; vfs_getattr_nosec(path, stat, mask, flags); return 0',
  'vfs_fstat(fd, stat): int':
    'f:file = fdget_raw(fd); security_inode_getattr(f->f_path)?; @stat_told(f->f_inode)?; vfs_getattr_nosec(f->f_path, stat, 2047, 0)?; return result',
  'vfs_getattr(path, stat, mask, flags): int':
    'security_inode_getattr(path); vfs_getattr_nosec(path, stat, mask, flags); return 0',
  '__x64_sys_statx(regs:pt_regs)':
    'name = getname_flags(regs->si, 0); do_statx(regs->di, name, regs->dx, regs->r10, regs->r8); putname(name); return result',
  'do_statx(dfd, filename, flags, mask, buffer): int':
    'vfs_statx(dfd, filename, flags, %stat, mask); cp_statx(%stat, buffer)?; return result',
  '__x64_sys_statfs(regs:pt_regs)':
    'user_path_at(-100, regs->di, 1, %path); d = @path_dentry(%path)?; security_sb_statfs(d)?; path_put(%path)?; return result',
  '__x64_sys_access(regs:pt_regs)': 'n = do_faccessat(-100, regs->di, regs->si, 0); return n',
  '__x64_sys_faccessat(regs:pt_regs)': 'n = do_faccessat(regs->di, regs->si, regs->dx, 0); return n',
  '__x64_sys_faccessat2(regs:pt_regs)': 'n = do_faccessat(regs->di, regs->si, regs->dx, regs->r10); return n',
  'do_faccessat(dfd, filename, mode, flags)':
    'o = @access_overrides(); c = prepare_creds() if o; override_creds(c) if o; user_path_at(dfd, filename, 1, %path); i = @path_inode(%path)?; m = @or(mode, 16); inode_permission(0, i, m)?; path_put(%path)?; revert_creds(0) if o; return result',
  '__x64_sys_readlink(regs:pt_regs)': 'n = do_readlinkat(-100, regs->di, regs->si, regs->dx); return n',
  '__x64_sys_readlinkat(regs:pt_regs)': 'n = do_readlinkat(regs->di, regs->si, regs->dx, regs->r10); return n',
  'do_readlinkat(dfd, pathname, buf, bufsiz): int':
    'name = getname_flags(pathname, 0); filename_lookup(dfd, name, 0, %path, 0); d = @path_dentry(%path)?; security_inode_readlink(d)?; touch_atime(%path)?; vfs_readlink(d, buf, bufsiz)?; path_put(%path)?; putname(name); return result',
  '__x64_sys_getdents64(regs:pt_regs)':
    'f = fdget_pos(regs->di); iterate_dir(f, %ctx)?; __f_unlock_pos(f); return result',
  'iterate_dir(file, ctx): int':
    'security_file_permission(file, 4); down_read_killable(0); touch_atime(file); up_read(0); return 0',
  '__x64_sys_getcwd(regs:pt_regs)': 'n = __do_sys_getcwd(regs->di, regs->si); return n',
  '__do_sys_getcwd(buf, size)': 'return result',
  '__x64_sys_chdir(regs:pt_regs)':
    'user_path_at(-100, regs->di, 3, %path); d = @path_dentry(%path)?; @is_directory(d)?; i = @path_inode(%path)?; inode_permission(0, i, 65)?; set_fs_pwd(0, %path)?; @set_pwd(d)?; path_put(%path)?; return result',
  '__x64_sys_ioctl(regs:pt_regs)':
    'f = fdget(regs->di); security_file_ioctl(f, regs->si, regs->dx); @program_call()?; do_vfs_ioctl(f, regs->di, regs->si, regs->dx); return result',
  '__x64_sys_fcntl(regs:pt_regs)':
    'f = fdget_raw(regs->di); security_file_fcntl(f, regs->si, regs->dx); l = @fcntl_locks(regs->si, regs->dx); c = @fcntl_lock_type(); security_file_lock(f, c) if l; n = do_fcntl(regs->di, regs->si, regs->dx, f); return n',
  'do_fcntl(fd, cmd, arg, filp)': 'return result',
  '__x64_sys_dup(regs:pt_regs)': 'f = @fd_get(regs->di); @fd_install(result, f)?; return result',
  '__x64_sys_dup2(regs:pt_regs)': 'n = ksys_dup3(regs->di, regs->si, 0); return n',
  '__x64_sys_dup3(regs:pt_regs)': 'n = ksys_dup3(regs->di, regs->si, regs->dx); return n',
  'ksys_dup3(oldfd, newfd, flags): int':
    '_raw_spin_lock(0); expand_files(0, newfd); f = @fd_get(oldfd); @fd_install(newfd, f)?; do_dup2(0, f, newfd, flags)?; return result',
  '__x64_sys_pipe(regs:pt_regs)': 'n = do_pipe2(regs->di, 0); return n',
  '__x64_sys_pipe2(regs:pt_regs)': 'n = do_pipe2(regs->di, regs->si); return n',
  'do_pipe2(fildes, flags): int':
    'f:file = @pseudo_file(0, 0)?; g = @pipe_end(f)?; security_inode_alloc(f->f_inode, 0xcc0)?; d = @path_dentry(f->f_path)?; security_d_instantiate(d, f->f_inode)?; security_file_alloc(f)?; security_file_alloc(g)?; create_pipe_files(%files, flags); @install_pair(f, g)?; __do_pipe_flags.part(%fd, %files, flags)?; _copy_to_user(fildes, %fd, 8)?; return result',
  '__x64_sys_poll(regs:pt_regs)': 'n = do_sys_poll(regs->di, regs->si, 0); return n',
  'do_sys_poll(ufds, nfds, end_time): int':
    '__check_object_size(0, 0, 0); _copy_from_user(0, ufds, 0); poll_freewait(0); block; return result',
  '__x64_sys_select(regs:pt_regs)': 'n = kern_select(regs->di, regs->si, regs->dx, regs->r10, regs->r8); return n',
  'kern_select(n, inp, outp, exp, tvp): int': 'core_sys_select(n, inp, outp, exp, 0); return result',
  '__x64_sys_epoll_wait(regs:pt_regs)': 'n = do_epoll_wait(regs->di, regs->si, regs->dx, 0); return n',
  'do_epoll_wait(epfd, events, maxevents, to): int': 'fdget(epfd); block; return result',

  '__x64_sys_unlink(regs:pt_regs)': 'name = getname_flags.part(regs->di, 0); n = do_unlinkat(-100, name); return n',
  '__x64_sys_unlinkat(regs:pt_regs)':
    'name = getname_flags(regs->si, 0); r = @and(regs->dx, 0x200); do_rmdir(regs->di, name) if r; w = @unless(r, name); do_unlinkat(regs->di, w) if w; return result',
  'do_unlinkat(dfd, name:filename): int':
    '__filename_parentat(dfd, name, 0, %path, %last, %type); mnt_want_write(0)?; down_write(0)?; d = @name_dentry(name)?; lookup_one_qstr_excl(%last, 0, 0)?; security_path_unlink(%path, d)?; vfs_unlink(0, 0, d, %deleg)?; up_write(0)?; i = @last_link(d); security_inode_free(i)? if i; dput(d)?; @unlinked(d)?; mnt_drop_write(0)?; putname(name); return result',
  'vfs_unlink(idmap, dir, dentry, delegated_inode): int':
    'p = @parent_inode(dentry); may_delete(idmap, p, dentry, 0); down_write(0); security_inode_unlink(p, dentry)?; __detach_mounts(dentry); up_write(0); d_delete(dentry)?; return 0',
  '__x64_sys_mkdir(regs:pt_regs)':
    'name = getname_flags.part(regs->di, 0); n = do_mkdirat(-100, name, regs->si); return n',
  '__x64_sys_mkdirat(regs:pt_regs)':
    'name = getname_flags.part(regs->si, 0); n = do_mkdirat(regs->di, name, regs->dx); return n',
  'do_mkdirat(dfd, name:filename, mode): int':
    'filename_create(dfd, name, %path, 2); d = @new_dentry(name)?; n = @umasked(mode); security_path_mkdir(%path, d, n)?; vfs_mkdir(0, 0, d, n)?; putname(name); return result',
  'vfs_mkdir(idmap, dir, dentry, mode): int':
    'p = @parent_inode(dentry); inode_permission(idmap, p, 3); mode_strip_sgid(idmap, p, mode); security_inode_mkdir(p, dentry, mode)?; k = @inode_mkdir(dentry)?; *k(idmap, p, dentry, mode)?; m = @or(mode, 0x4000); i = @instantiate(dentry, m, 0)?; security_inode_alloc(i, 0xcc0)?; security_inode_init_security(i, p, 0, 0, 0)?; security_d_instantiate(dentry, i)?; fsnotify(0x40000100, 0, 0, dir, 0, 0); return 0',
  '__x64_sys_rmdir(regs:pt_regs)': 'name = getname_flags.part(regs->di, 0); n = do_rmdir(-100, name); return n',
  'do_rmdir(dfd, name:filename): int':
    '__filename_parentat(dfd, name, 0, %path, %last, %type); mnt_want_write(0)?; d = @name_dentry(name)?; @is_directory(d)?; security_path_rmdir(%path, d)?; vfs_rmdir(0, 0, d)?; i = @dentry_inode(d)?; security_inode_free(i)?; @unlinked(d)?; mnt_drop_write(0)?; putname(name); return result',
  'vfs_rmdir(idmap, dir, dentry): int':
    'p = @parent_inode(dentry); may_delete(idmap, p, dentry, 1); down_write(0); security_inode_rmdir(p, dentry)?; shrink_dcache_parent(dentry); d_delete(dentry)?; up_write(0); return 0',
  '__x64_sys_rename(regs:pt_regs)':
    'a = getname_flags(regs->di, 0); b = getname_flags(regs->si, 0); n = do_renameat2(-100, a, -100, b, 0); return n',
  '__x64_sys_renameat(regs:pt_regs)':
    'a = getname_flags(regs->si, 0); b = getname_flags(regs->r10, 0); n = do_renameat2(regs->di, a, regs->dx, b, 0); return n',
  '__x64_sys_renameat2(regs:pt_regs)':
    'a = getname_flags(regs->si, 0); b = getname_flags(regs->r10, 0); n = do_renameat2(regs->di, a, regs->dx, b, regs->r8); return n',
  'do_renameat2(olddfd, from:filename, newdfd, to:filename, flags): int':
    '__filename_parentat(olddfd, from, 0, %op, %ol, %ot); __filename_parentat(newdfd, to, 0, %np, %nl, %nt); mnt_want_write(0)?; a = @name_dentry(from)?; b = @name_dentry(to)?; security_path_rename(%op, a, %np, b, flags)?; p = @parent_inode(a)?; q = @parent_inode(b)?; %rd+0 = 0; %rd+8 = p; %rd+16 = a; %rd+24 = 0; %rd+32 = q; %rd+40 = b; %rd+48 = 0; %rd+56 = flags; vfs_rename(%rd)?; d_move(a, b)?; @renamed(a, b, flags)?; mnt_drop_write(0)?; putname(from); putname(to); return result',
  'vfs_rename(rd:renamedata): int':
    'may_delete(0, rd->old_dir, rd->old_dentry, 0); inode_permission(0, rd->new_dir, 3)?; security_inode_rename(rd->old_dir, rd->old_dentry, rd->new_dir, rd->new_dentry, rd->flags)?; lock_two_nondirectories(0, 0); fsnotify_move(rd->old_dir, rd->new_dir, 0, 0, 0); return 0',
  '__x64_sys_symlink(regs:pt_regs)':
    'a = getname_flags(regs->di, 0); b = getname_flags(regs->si, 0); n = do_symlinkat(a, -100, b); return n',
  '__x64_sys_symlinkat(regs:pt_regs)':
    'a = getname_flags(regs->di, 0); b = getname_flags(regs->dx, 0); n = do_symlinkat(a, regs->si, b); return n',
  'do_symlinkat(from:filename, newdfd, to:filename): int':
    'filename_create(newdfd, to, %path, 0); d = @new_dentry(to)?; security_path_symlink(%path, d, from->name)?; vfs_symlink(0, 0, d, from->name)?; putname(to); putname(from); return result',
  '__x64_sys_link(regs:pt_regs)':
    'a = getname_flags(regs->di, 0); b = getname_flags(regs->si, 0); n = do_linkat(-100, a, -100, b, 0); return n',
  '__x64_sys_linkat(regs:pt_regs)':
    'a = getname_flags(regs->si, 0); b = getname_flags(regs->r10, 0); n = do_linkat(regs->di, a, regs->dx, b, regs->r8); return n',
  'do_linkat(olddfd, old:filename, newdfd, new:filename, flags): int':
    'filename_lookup(olddfd, old, 0, %path, 0); filename_create(newdfd, new, %np, 0)?; d = @new_dentry(new)?; o = @name_dentry(old)?; i = @dentry_inode(o)?; inode_permission(0, i, 6)?; security_path_link(o, %np, d)?; vfs_link(o, 0, 0, d, 0)?; putname(old); putname(new); return result',
  '__x64_sys_chmod(regs:pt_regs)': 'n = do_fchmodat(-100, regs->di, regs->si, 0); return n',
  '__x64_sys_fchmodat(regs:pt_regs)':
    'user_path_at(regs->di, regs->si, 1, %path); chmod_common(%path, regs->dx)?; path_put(%path)?; return result',
  'do_fchmodat(dfd, filename, mode, flags): int':
    'user_path_at(dfd, filename, 1, %path); chmod_common(%path, mode)?; path_put(%path)?; return result',
  'chmod_common(path, mode): int':
    'mnt_want_write(0); security_path_chmod(path, mode); d = @path_dentry(path)?; @attr_mode(%attr, d, mode)?; notify_change(0, d, %attr, 0)?; i = @path_inode(path)?; @set_mode(i, mode)?; mnt_drop_write(0); return 0',
  '__x64_sys_chown(regs:pt_regs)': 'n = do_fchownat(-100, regs->di, regs->si, regs->dx, 0); return n',
  '__x64_sys_fchownat(regs:pt_regs)': 'n = do_fchownat(regs->di, regs->si, regs->dx, regs->r10, regs->r8); return n',
  'do_fchownat(dfd, filename, user, group, flag): int':
    'user_path_at(dfd, filename, 1, %path); chown_common(%path, user, group)?; path_put(%path)?; return result',
  '__x64_sys_truncate(regs:pt_regs)':
    'user_path_at(-100, regs->di, 1, %path); vfs_truncate(%path, regs->si)?; path_put(%path)?; return result',
  '__x64_sys_ftruncate(regs:pt_regs)': 'n = do_sys_ftruncate(regs->di, regs->si, 0); return n',
  'do_sys_ftruncate(fd, length, small)':
    'f:file = fdget(fd); security_file_truncate(f)?; d = @path_dentry(f->f_path)?; do_truncate(0, d, length, 0, f)?; return result',
  '__x64_sys_mknod(regs:pt_regs)':
    'name = getname_flags(regs->di, 0); n = do_mknodat(-100, name, regs->si, regs->dx); return n',
  'do_mknodat(dfd, name:filename, mode, dev): int':
    'filename_create(dfd, name, %path, 0); d = @new_dentry(name)?; n = @umasked(mode); security_path_mknod(%path, d, n, dev)?; v = @mknod_function(mode)?; k = @decode_dev(dev); vfs_mknod(0, 0, d, n, k)? if v; w = @unless(v, d); vfs_create(0, 0, w, n, 1)? if w; putname(name); return result',
  'vfs_create(idmap, dir, dentry, mode, excl): int':
    'p = @parent_inode(dentry); inode_permission(idmap, p, 3)?; m = @or(mode, 0x8000); security_inode_create(p, dentry, m)?; i = @instantiate(dentry, m, 0)?; security_inode_alloc(i, 0xcc0)?; security_inode_init_security(i, p, 0, 0, 0)?; security_d_instantiate(dentry, i)?; return 0',
  '__x64_sys_mount(regs:pt_regs)':
    'a = strndup_user(regs->dx, 4096); b = strndup_user(regs->di, 4096); x = strndup_user(regs->r8, 4096); user_path_at(-100, regs->si, 1, %path); path_mount(b, %path, a, regs->r10, x)?; path_put(%path)?; kfree(a); kfree(b); kfree(x); return result',
  'path_mount(dev_name, path, type_page, flags, data_page): int':
    'security_sb_mount(dev_name, path, type_page, flags, data_page); ns_capable(0, 21)?; security_fs_context_parse_param(0, 0)?; security_sb_eat_lsm_opts(data_page, 0)?; ns_capable(0, 21)?; b = @new_super(type_page)?; security_sb_alloc(b)?; security_inode_alloc(0, 0xcc0)?; security_d_instantiate(0, 0)?; security_sb_set_mnt_opts(b, 0, 0, 0)?; security_sb_kern_mount(b)?; security_free_mnt_opts(0)?; @mounted(path, b)?; return 0',
  '__x64_sys_umount(regs:pt_regs)':
    'user_path_at(-100, regs->di, 1, %path); path_umount(%path, regs->si)?; return result',
  'path_umount(path, flags): int':
    'ns_capable(0, 21); m = @mount_at(path); security_sb_umount(m, flags)?; @unmounted(path)?; return 0',
  'may_open(idmap, path, acc_mode): int':
    'i = @path_inode(path); m = @or(acc_mode, 0x20); n = inode_permission(idmap, i, m); return n',
  // fs/namei.c; include/linux/device_cgroup.h
  'inode_permission(idmap, inode, mask): int':
    'c = @acl_lacks(inode, mask); capable_wrt_inode_uidgid(idmap, inode, c) if c; t = @device_type(inode); j = @device_major(inode) if t; m = @device_minor(inode) if t; a = @device_access(mask) if t; e = devcgroup_check_permission(t, j, m, a) if t; n = security_inode_permission(inode, mask)?; return result',

  // --- the walk of a path (fs/namei.c) and what changes attributes (fs/attr.c, fs/open.c) ---
  'link_path_walk(name, nd): int':
    '%walk+0 = 0; loop; i = @walk_next(%walk, name); security_inode_permission(i, 0x81) if i; again if i; return 0',
  'filename_lookup(dfd, name, flags, path, root): int':
    'link_path_walk(name, 0); f = @and(flags, 1); l = @follow_link(name, f); i = @dentry_inode(l); security_inode_follow_link(l, i, 1)? if l; link_path_walk(name, 0)? if l; @name_path(path, name); return result',
  'filename_create(dfd, name, path, flags)': 'link_path_walk(name, 0); @name_parent(path, name); return result',
  '__filename_parentat(dfd, name, flags, parent, last, type): int':
    'link_path_walk(name, 0); @name_parent(parent, name); return result',
  'user_path_at(dfd, name, flags, path): int':
    'n = getname_flags(name, flags); filename_lookup(dfd, n, flags, path, 0); putname(n); return result',
  'may_delete(idmap, dir, victim, isdir): int': 'inode_permission(idmap, dir, 3); return result',
  'ima_file_check(file, mask): int': '%prop+0 = 0; security_current_getsecid_subj(%prop); return 0',
  'notify_change(idmap, dentry, attr, deleg): int':
    't = @touch_asks(dentry, attr)?; i = @dentry_inode(dentry)?; capable_wrt_inode_uidgid(idmap, i, 3)? if t; security_inode_setattr(idmap, dentry, attr)?; setattr_prepare(idmap, dentry, attr)?; security_inode_post_setattr(idmap, dentry, 0)?; return result',
  'do_truncate(idmap, dentry, length, attrs, filp): int':
    '@attr_size(%attr, length, filp)?; notify_change(idmap, dentry, %attr, 0)?; i = @dentry_inode(dentry)?; @set_size(i, length)?; return result',
  'vfs_truncate(path, length)':
    'i = @path_inode(path); inode_permission(0, i, 2); security_path_truncate(path)?; d = @path_dentry(path)?; do_truncate(0, d, length, 0, 0)?; return result',
  'chown_common(path, user, group): int':
    'security_path_chown(path, user, group); d = @path_dentry(path)?; security_inode_need_killpriv(d)?; @attr_owner(%attr, d, user, group)?; notify_change(0, d, %attr, 0)?; i = @path_inode(path)?; @set_owner(i, user, group)?; return result',
  '__x64_sys_fchmod(regs:pt_regs)': 'f:file = fdget(regs->di); chmod_common(f->f_path, regs->si)?; return result',
  '__x64_sys_fchown(regs:pt_regs)':
    'f:file = fdget(regs->di); chown_common(f->f_path, regs->si, regs->dx)?; return result',
  '__x64_sys_utimensat(regs:pt_regs)':
    'user_path_at(regs->di, regs->si, 1, %path); d = @path_dentry(%path)?; @attr_times(%attr, regs->dx)?; notify_change(0, d, %attr, 0)?; return result',
  '__x64_sys_flock(regs:pt_regs)':
    'f = fdget(regs->di); c = @flock_type(regs->si); security_file_lock(f, c)?; return result',
  '__x64_sys_fallocate(regs:pt_regs)': 'f = fdget(regs->di); security_file_permission(f, 2)?; return result',
  '__x64_sys_fchdir(regs:pt_regs)':
    'f:file = fdget_raw(regs->di); inode_permission(0, f->f_inode, 65)?; d = @path_dentry(f->f_path)?; @set_pwd(d)?; return result',
  '__x64_sys_chroot(regs:pt_regs)':
    'user_path_at(-100, regs->di, 3, %path); i = @path_inode(%path)?; inode_permission(0, i, 65)?; ns_capable(0, 18)?; security_path_chroot(%path)?; d = @path_dentry(%path)?; @set_root(d)?; return result',
  'vfs_symlink(idmap, dir, dentry, oldname): int':
    'p = @parent_inode(dentry); inode_permission(idmap, p, 3)?; security_inode_symlink(p, dentry, oldname)?; i = @instantiate(dentry, 0xa1ff, oldname)?; security_inode_alloc(i, 0xcc0)?; security_inode_init_security(i, p, 0, 0, 0)?; security_d_instantiate(dentry, i)?; return result',
  'vfs_link(old, idmap, dir, new, deleg): int':
    'p = @parent_inode(new); inode_permission(idmap, p, 3)?; security_inode_link(old, p, new)?; @alias(old, new)?; i = @dentry_inode(new)?; security_d_instantiate(new, i)?; return result',
  'vfs_mknod(idmap, dir, dentry, mode, dev): int':
    'p = @parent_inode(dentry); inode_permission(idmap, p, 3)?; t = @node_type(mode)?; capable(27) if t; j = @node_major(dev) if t; m = @node_minor(dev) if t; devcgroup_check_permission(t, j, m, 1) if t; security_inode_mknod(p, dentry, mode, dev)?; i = @instantiate(dentry, mode, 0)?; security_inode_alloc(i, 0xcc0)?; security_inode_init_security(i, p, 0, 0, 0)?; security_d_instantiate(dentry, i)?; return 0',
  '__x64_sys_mknodat(regs:pt_regs)':
    'name = getname_flags(regs->si, 0); n = do_mknodat(regs->di, name, regs->dx, regs->r10); return n',
  'setattr_prepare(idmap, dentry, attr): int':
    '%s+0 = 0; %s+8 = 0; loop; c = @setattr_asks(%s, dentry, attr); k = @load(%s); i = @dentry_inode(dentry); capable_wrt_inode_uidgid(idmap, i, k) if c; again if c; return 0',
  'strndup_user(s, n)': 'p = @strndup_user(s); return p',
  'kfree(object)': '@kfree(object)',
  'capable_wrt_inode_uidgid(idmap, inode, cap): int': 'n = ns_capable(0, cap); return n',
  '__x64_sys_umask(regs:pt_regs)': '@set_umask(regs->di); return result',
};
