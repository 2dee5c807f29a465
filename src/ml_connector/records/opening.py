"""The stores of one organisation, opened on the database the process is configured for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from ml_connector.errors import UsageError
from ml_connector.ports import Clock, Records
from ml_connector.records.clock import SystemClock

if TYPE_CHECKING:
    from ml_connector.records.allowance import Allowance
    from ml_connector.records.budget import RingBudget
    from ml_connector.records.secrets import SecretRecords

DEFAULT_ORGANISATION = "default"
"""The organisation every installation begins with."""

# The stores import models, which Django allows only once it is configured; hence inside.


def open_records(
    organisation: str = DEFAULT_ORGANISATION, *, clock: Clock | None = None
) -> Records:
    """The stores of that organisation; they see nothing of any other.

    Raises:
        UsageError: There is no such organisation.
    """
    from ml_connector.records.stores import make_stores  # noqa: PLC0415 -- needs Django set up

    return make_stores(_find_organisation(organisation), clock=clock or SystemClock())


def open_budget(
    organisation: str = DEFAULT_ORGANISATION,
    *,
    clock: Clock | None = None,
    allowances: Mapping[str, Allowance] | None = None,
) -> RingBudget:
    """The request budget of that organisation.

    Args:
        organisation: Whose requests are counted.
        clock: The machine's own unless given.
        allowances: By key; a key that is not among them has the allowance of an Anaplan tenant.

    Raises:
        UsageError: There is no such organisation.
    """
    from ml_connector.records.budget import RingBudget  # noqa: PLC0415 -- needs Django set up

    number = _find_organisation(organisation)
    return RingBudget(number, clock=clock or SystemClock(), allowances=allowances or {})


def open_secret_store(
    organisation: str = DEFAULT_ORGANISATION, *, clock: Clock | None = None
) -> SecretRecords:
    """The store of sealed secrets that organisation's vault works on.

    Raises:
        UsageError: There is no such organisation.
    """
    from ml_connector.records.secrets import SecretRecords  # noqa: PLC0415 -- needs Django set up

    return SecretRecords(
        _find_organisation(organisation),
        organisation=organisation,
        clock=clock or SystemClock(),
    )


def export_audit(organisation: str = DEFAULT_ORGANISATION) -> Iterator[str]:
    """Yield the audit chain of that organisation as lines of JSON, oldest link first.

    Raises:
        UsageError: There is no such organisation.
    """
    from ml_connector.records.audit import AuditRecords  # noqa: PLC0415 -- needs Django set up

    return AuditRecords(_find_organisation(organisation), clock=SystemClock()).export()


def find_bound(organisation: str, account: str) -> str | None:
    """The person of that organisation whose account it is.

    Raises:
        UsageError: There is no such organisation.
    """
    from ml_connector.records.identities import IdentityRecords  # noqa: PLC0415 -- needs Django set up

    store = IdentityRecords(_find_organisation(organisation), clock=SystemClock())
    return store.find_account(account)


def create_organisation(name: str) -> None:
    """The organisation exists; one that did before is as it was."""
    from ml_connector.records.models import Organisation  # noqa: PLC0415 -- needs Django set up
    from ml_connector.records.store import writing  # noqa: PLC0415 -- as above

    with writing(f"the organisation {name}"):
        Organisation.objects.get_or_create(name=name)


def _find_organisation(name: str) -> int:
    from ml_connector.records.models import Organisation  # noqa: PLC0415 -- needs Django set up

    row = Organisation.objects.filter(name=name).first()
    if row is None:
        known = ", ".join(Organisation.objects.order_by("name").values_list("name", flat=True))
        raise UsageError(
            f"There is no organisation {name!r}; there are: {known}.",
            written="Nothing was opened.",
            next_step="Correct `organisation` in the project's settings.",
            organisation=name,
        )
    return int(row.pk)
