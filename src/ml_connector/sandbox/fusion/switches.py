"""The decisions of the Fusion server that a test may turn, each with its default."""

from __future__ import annotations

from ml_connector.sandbox.switches import Switch, choice

FUSION_SWITCHES: dict[str, Switch] = {
    # The REST framework.
    "default_framework_version": choice(1, 2, 3, 4, 5, 6, 7, 8, 9),
    "unknown_framework_version": choice("refuse", "ignore"),
    "max_limit": Switch(default=500),
    "nested_page_size": Switch(default=25),
    "semicolon_in_rowmatch": choice("refuse", "and"),
    "and_in_example_query": choice("empty", "refuse"),
    "double_quotes": choice("example_only", "accepted", "refused"),
    "attribute_case": choice("sensitive", "insensitive"),
    "session_zone": Switch(default="-08:00"),
    "long_decimals_as_strings": choice(True, False),
    "items_missing_when_empty": choice(False, True),
    "empty_children_missing": choice(False, True),
    "has_more": choice("honest", "never", "always"),
    "repeat_page": choice(False, True),
    "default_order": choice("key", "reversed"),
    "opaque_keys": choice("hex", "reserved"),
    "link_host": Switch(default="configured"),
    "read_only_member": choice("refuse", "ignore"),
    "error_body": choice("by_version", "json", "text", "html", "empty"),
    "total_results_fails": choice(False, True),
    "total_results_drift": Switch(default=0),
    "clob_fields_fail": choice(False, True),
    "not_found_after_create_s": Switch(default=0),
    # What the user may see, in which language, and when.
    "user_language": choice("en", "de", "fr"),
    "batch_last_update_queryable": choice(True, False),
    "batch_last_update_sortable": choice(True, False),
    "value_last_update_queryable": choice(True, False),
    "supplier_last_update_queryable": choice(True, False),
    "supplier_last_update_sortable": choice(True, False),
    "supplier_names_queryable": choice(True, False),
    "supplier_privilege": choice("maintain", "view", "denied"),
    "supplier_roles": Switch(default=None),
    # Suppliers as they are written.
    "supplier_duplicates": choice("refuse", "accept"),
    "supplier_upsert": choice("refuse", "ignore", "accept"),
    "child_change_moves_supplier": choice(False, True),
    "yes_no_flags": choice(True, False),
    # Batch requests.
    "batch_failure": choice("bad_request", "own_status", "no_path"),
    "batch_transaction": choice("all_or_none", "part"),
    "batch_disabled": Switch(default=None),
    "batch_parts_time_out_above": Switch(default=None),
    # Files and jobs.
    "import_privilege": choice("granted", "job_denied", "denied"),
    "import_template": choice("25C", "26B"),
    "import_status_code": choice(201, 200),
    "ess_seconds_per_state": Switch(default=2),
    "ess_states": Switch(default=None),
    "ess_rejects": choice(False, True),
    "ess_blank_status": choice(False, True),
    "ess_jobs_form": choice("object", "list"),
    "ess_rejected_rows": choice("succeeded", "warning", "error"),
    "ess_import_fails": choice("no", "warning", "error"),
    "ess_parent_follows": choice(False, True),
    "document_id_kind": choice("string", "number"),
    "journal_privilege": choice("granted", "denied"),
    "lov_privilege": choice("granted", "denied"),
    "data_roles": Switch(default=None),
    "visibility_delay_s": Switch(default=0),
    # Signing in.
    "token_lifetime_s": Switch(default=3600),
    "scope_check": choice("exact", "lenient"),
    "basic_auth": choice("accepted", "refused"),
    "body_401": choice("html", "empty", "json"),
    "bearer_challenge": choice(False, True),
    "without_credentials": choice("challenge", "redirect"),
    "bad_assertion_status": choice(400, 401),
    # Overload: {"status", "every", "retry_after": seconds|date|none, "body": rotate|json|...}.
    "throttle": Switch(default=None),
    "token_throttle": Switch(default=None),
}
"""Name to switch.

`data_roles` maps a user to the ledgers the user may see (a token for a client acts as the user
of the client's name), `supplier_roles` a user to the names of the units that buy; unnamed users
see all. `link_host` is `configured`, `443`, or an origin
that stands in every link instead. `batch_disabled` lists operations that batch requests refuse.
`ess_states` lists the states of a job before its final one, each `ess_seconds_per_state` long
(by default WAIT, RUNNING, PAUSED). `ess_rejected_rows` says what an import with rejected rows
ends in, `ess_import_fails` makes imports end so without touching a row; the parent says
SUCCEEDED over both, unless `ess_parent_follows`.
"""
