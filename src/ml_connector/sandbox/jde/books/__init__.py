"""The company that the pretended JD Edwards keeps, and what happens to its books.

`seed_books` fills the empty tables; `register_operations` lets a test enter, post, delete and
spoil things from outside. All of it works on raw values: scaled integers, Julian days, padded
texts. Decimals and dates occur at the edges alone.
"""

from ml_connector.sandbox.jde.books.admin import register_operations
from ml_connector.sandbox.jde.books.checks import set_prior_period
from ml_connector.sandbox.jde.books.day import pass_day
from ml_connector.sandbox.jde.books.desk import (
    delete_document,
    move_balance,
    purge,
    redate_document,
    rename_account,
    upload_budget,
)
from ml_connector.sandbox.jde.books.journals import (
    approve_batch,
    create_journal,
    load_status,
    set_status,
)
from ml_connector.sandbox.jde.books.keys import (
    BatchKey,
    DocumentKey,
    parse_batch,
    parse_document,
)
from ml_connector.sandbox.jde.books.posting import PostResult, post_batch
from ml_connector.sandbox.jde.books.requests import (
    JournalCreated,
    JournalLine,
    JournalRejectedError,
    JournalRequest,
    LineReject,
    parse_decimal,
    parse_request,
)
from ml_connector.sandbox.jde.books.seeding import seed_books
from ml_connector.sandbox.jde.books.spoiling import add_row, change_posted_amount

__all__ = [
    "BatchKey",
    "DocumentKey",
    "JournalCreated",
    "JournalLine",
    "JournalRejectedError",
    "JournalRequest",
    "LineReject",
    "PostResult",
    "add_row",
    "approve_batch",
    "change_posted_amount",
    "create_journal",
    "delete_document",
    "load_status",
    "move_balance",
    "parse_batch",
    "parse_decimal",
    "parse_document",
    "parse_request",
    "pass_day",
    "post_batch",
    "purge",
    "redate_document",
    "register_operations",
    "rename_account",
    "seed_books",
    "set_prior_period",
    "set_status",
    "upload_budget",
]
