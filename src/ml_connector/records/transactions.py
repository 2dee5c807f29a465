"""Several stores in one transaction."""

from contextlib import AbstractContextManager

from ml_connector.records.store import OrganisationStore


class TransactionRecords(OrganisationStore):
    """A `ports.Transactions`; the stores' own transactions become parts of it."""

    def begin(self, what: str) -> AbstractContextManager[None]:
        """All that is stored in the block is kept, or nothing; see `ports.Transactions`."""
        return self._writing(what)
