"""A server that answers as the AIS server of JD Edwards EnterpriseOne does.

`server.build_jde_server` puts it together; `switches.JDE_SWITCHES` are its knobs. The tables of
`schema` hold raw values (Julian dates, scaled integers, padded texts) as the product's database
does; what leaves the server is converted on the way out, so conversions are carried out, not
assumed. What the tables hold, and what happens to it, is the matter of `books`.

Besides the foundation's own controls and the operations of the books, POST /__sandbox/<operation>
with a JSON object does this, and answers `{"result": ...}`, or 400 with `error`:

- restart_ais {}: every token and result set is gone.
- kill_jas {id?}: the HTML server has forgotten the session (or all); the tokens still look valid.
- list_sessions {}: user, device, times; never a token. `id` names a session in `kill_jas`.
- hide_columns {table: [columns]}, hide_companies {companies, user?}: security, until reset; each
  call replaces what was hidden before.
- enable_users {}: profiles disabled by bad sign-ons work again.
- drop_result_sets {}: every next link has expired.

A fault rule `{"kind": "hook", "hook": restart_ais | kill_jas | drop_result_sets}` does the same
before the request it matches is answered, that is between two pages. GET /__sandbox/info counts
under `warnings` what clients should not do (`practices.WARNINGS`).

Choices where nothing is documented: a next link followed twice goes on twice; a find without
`findOnEntry` or `autoFind` yields no row; groups are cut by page size and fetch limit in silence;
MCU, HMCU and KY are the only columns padded in conditions.
"""
