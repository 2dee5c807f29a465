"""A server that answers as ledger, suppliers and file import of Oracle Fusion Cloud ERP do.

`server.build_fusion_server` puts it together; `switches.FUSION_SWITCHES` are its knobs. Besides
the foundation's own controls, POST /__sandbox/<operation> with a JSON object does this, and
answers `{"result": ...}`, or 400 with `error` and nothing written:

- create_batch {name, journals, source?, status?, period?, actual_flag?, posted_date?,
  allow_closed?, at?}; a journal is {ledger, period, lines, name?, currency?, rate?, date?,
  category?}; a line is {combination, debit | credit, accounted_debit?, accounted_credit?,
  description?, stat_amount?}. Amounts are texts. The answer holds JeBatchId.
- post_batch {JeBatchId, to?: S | I | P, allow_closed?}; change_batch {JeBatchId, name?,
  description?, journals?}; delete_batch {JeBatchId, force?}; touch_batch {JeBatchId}
- reverse_batch {JeBatchId, period, date?, method?, allow_closed?}; replicate_batch {JeBatchId}
- set_period_status {ledger, period, status, application?}
- add_value {value_set, Value, ...}; change_value {value_set, value, Description?, ...}
- late_journals {periods?: [[ledger, period], ...]}
- totals {ledger?, period?, combination?, currency?, status?, actual_flag?}
- register_certificate {alias, pem, issuer?}; revoke_tokens {}
- create_supplier {members of the wire, children as arrays}; change_supplier {SupplierId |
  SupplierNumber, members}; inactivate_supplier {SupplierId | SupplierNumber, date?};
  merge_suppliers {loser, winner} by number; add_supplier_child {SupplierId | SupplierNumber,
  address | site | contact}; change_supplier_child {address | site | contact, with its id}; all
  of them take `by` (the user who did it) and `at`
- hide_suppliers {numbers?} (every second one unless named); show_suppliers {}
- set_job_state {ReqstId, state}: a final state ends the job, any other holds it, null lets it
  go on; finish_job {ReqstId}: all is done now, whatever the clock says
- interface_rows {ReqstId}: the rows of a load with status and rejection
- import_template {job?, release?}: file and columns that a job takes

A fault rule `{"kind": "hook", "hook": "mutate", "arguments": {op, row?, form?}}` changes, deletes
or inserts a batch before the request it matches is answered, that is between two pages. The
hook `mutate_suppliers` with {op: update | hide | insert, row?, form?} does so with suppliers.
"""
