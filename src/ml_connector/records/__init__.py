"""Our own database: runs, batches, intents, loads, mapping versions, audit, secrets, budget.

`configure` and `migrate` come first, `open_records` gives the stores of one organisation,
`close` comes last. Only `wiring` imports this package.
"""

from ml_connector.records.allowance import Allowance
from ml_connector.records.opening import (
    create_organisation,
    export_audit,
    open_budget,
    open_records,
    open_secret_store,
)
from ml_connector.records.setup import close, configure, migrate

__all__ = [
    "Allowance",
    "close",
    "configure",
    "create_organisation",
    "export_audit",
    "migrate",
    "open_budget",
    "open_records",
    "open_secret_store",
]
