/**
 * Memory: the page cache under reads and writes, pages, reclaim, migration, the end of memory (Linux 6.12
 * Documentation/filesystems/vfs.rst, admin-guide/mm/concepts.rst). Calls in the order of Linux 6.12's function graph of
 * ext4, whose own functions are a module's.
 */
export const mm: Readonly<Record<string, string>> = {
  // --- reads ---
  'generic_file_read_iter(iocb, iter)': 'n = filemap_read(iocb, iter, 0); return n',
  'filemap_read(iocb, iter, already_read)':
    'm = @filemap_range(%range, iocb, 0)?; filemap_get_pages(iocb, iter, %range, m)?; loop; f = @folio_read(%range)?; folio_mark_accessed(f) if f; again if f; touch_atime(0)?; return result',
  'filemap_get_pages(iocb, count, fbatch, need_uptodate): int':
    'filemap_get_read_batch(0, 0, 0, fbatch); page_cache_sync_ra(fbatch, count) if need_uptodate; filemap_get_read_batch(0, 0, 0, fbatch) if need_uptodate; return 0',
  'page_cache_sync_ra(ractl, req_count)': 'page_cache_ra_order(ractl, 0, 0)',
  'page_cache_ra_order(ractl, ra, new_order)': 'page_cache_ra_unbounded(ractl, 0, 0)',
  'page_cache_ra_unbounded(ractl, nr_to_read, lookahead_size)':
    'm = @range_mapping(ractl); down_read(0); loop; n = @range_missing(ractl); f = filemap_alloc_folio_noprof(0x152cca, 0) if n; i = @range_index(ractl); filemap_add_folio(m, f, i, 0x152cca) if n; again if n; read_pages(ractl); up_read(0)',
  'filemap_alloc_folio_noprof(gfp, order)': 'f = folio_alloc_noprof(gfp, order); return f',
  'folio_alloc_noprof(gfp, order)': 'f = alloc_pages_mpol_noprof(gfp, order, 0, 0, -1); return f',
  'alloc_pages_mpol_noprof(gfp, order, pol, ilx, nid)':
    'policy_nodemask(gfp, pol, ilx, 0); f = __alloc_pages_noprof(gfp, order, 0, 0); return f',
  '__alloc_pages_noprof(gfp, order, preferred_nid, nodemask)':
    'f = get_page_from_freelist(gfp, order, 0, 0); trace mm_page_alloc(f, order, gfp, 1); return f',
  'get_page_from_freelist(gfp_mask, order, alloc_flags, ac)': 'f = @folio_alloc(); return f',
  'filemap_add_folio(mapping, folio, index, gfp): int':
    '__mem_cgroup_charge(folio, 0, gfp); __filemap_add_folio(mapping, folio, index, gfp, 0); folio_add_lru(folio); return 0',
  '__filemap_add_folio(mapping, folio, index, gfp, shadowp): int':
    'irqsave; @folio_add(mapping, folio, index); irqrestore; trace mm_filemap_add_to_page_cache(folio); return 0',

  // --- writes ---
  'generic_file_write_iter(iocb, from)':
    'down_write(0); generic_write_checks(iocb, from); __generic_file_write_iter(iocb, from); up_write(0); return result',
  '__generic_file_write_iter(iocb, from)':
    'file_remove_privs(0); file_update_time(0); generic_perform_write(iocb, from)?; return result',
  'generic_perform_write(iocb, i)':
    '@filemap_range(%range, iocb, 1); loop; n = @range_next(%range); m = @range_mapping(%range); k = @range_index(%range); balance_dirty_pages_ratelimited(m) if n; fault_in_readable(0, 0) if n; f = __filemap_get_folio(m, k, 0x107, 0x101cca) if n; block_write_end(0, m, 0, 0, 0, f) if n; again if n; return result',
  '__filemap_get_folio(mapping, index, fgp_flags, gfp)':
    'f = filemap_get_entry(mapping, index); n = @unless(f, 1); a = filemap_alloc_folio_noprof(gfp, 0) if n; filemap_add_folio(mapping, a, index, gfp) if n; r = @folio_of(mapping, index); return r',
  'filemap_get_entry(mapping, index)':
    '__rcu_read_lock(); f = @folio_of(mapping, index); __rcu_read_unlock(); return f',
  'block_write_end(file, mapping, pos, len, copied, folio): int':
    'b = @folio_buffers(folio); mark_buffer_dirty(b) if b; return 0',
  'mark_buffer_dirty(bh)':
    'f:folio = @buffer_dirty(bh); __folio_mark_dirty(f, f->mapping, 0) if f; i = @folio_inode(f) if f; __mark_inode_dirty(i, 4) if f',
  '__folio_mark_dirty(folio, mapping, warn)': 'irqsave; trace writeback_dirty_folio(folio, mapping); irqrestore',
  'file_write_and_wait_range(file, lstart, lend): int': '@folios_clean(file); return 0',

  // --- too little memory ---
  'oom_kill_process(oc, message)': 'v = @oom_victim(oc); __oom_kill_process(v, message) if v',
  '__oom_kill_process(victim:task_struct, message)': 'mark_oom_victim(victim); do_send_sig_info(9, 1, victim, 1)',
  'mark_oom_victim(tsk:task_struct)': 'trace mark_victim(tsk, tsk->cred)',

  // --- pages that move between nodes ---
  'migrate_misplaced_folio(folio, vma, node): int': 'migrate_pages(0, 0, 0, node, 0, 5); return 1',
  'migrate_pages(from, get_new_folio, put_new_folio, private, mode, reason): int':
    'trace mm_migrate_pages_start(mode, reason); @ends_at(); return 0',
};
