/** Requests to disks (Linux 6.12 Documentation/block/blk-mq.rst): calls in the order of Linux 6.12's function graph. */
export const block: Readonly<Record<string, string>> = {
  'submit_bio(bio)': 'submit_bio_noacct(bio)',
  'submit_bio_noacct(bio)': 'submit_bio_noacct_nocheck(bio)',
  'submit_bio_noacct_nocheck(bio)':
    'blk_cgroup_bio_start(bio); trace block_bio_queue(bio); ktime_get(); blk_mq_submit_bio(bio)',
  'blk_mq_submit_bio(bio)':
    '__rcu_read_lock(); __rcu_read_unlock(); r = @request_of(bio); trace block_getrq(bio); blk_account_io_start(r)',
  'blk_mq_insert_request(rq, flags)': 'trace block_rq_insert(rq)',
  'blk_mq_start_request(rq)': 'trace block_rq_issue(rq); __rq_qos_issue(0, rq); blk_add_timer(rq)',
  'blk_mq_end_request(rq, error)':
    'n = @rq_bytes(rq); blk_update_request(rq, error, n); __blk_mq_end_request(rq, error)',
  'blk_update_request(req, error, nr_bytes): int':
    'trace block_rq_complete(req, error, nr_bytes); @rq_done(req); return 0',
  '__blk_mq_end_request(rq, error)': 'blk_account_io_done(rq, 0); blk_mq_free_request(rq)',
  'blk_account_io_start(req)': 'trace block_io_start(req)',
  'blk_account_io_done(req, now)': 'trace block_io_done(req)',
  'blk_mq_free_request(rq)': '@free_request(rq)',
};
