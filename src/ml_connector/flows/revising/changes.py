"""What a supplier plan holds: changes in chunks, each chunk a document, the plan a document too."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from ml_connector.flows.bench import SupplierBench, read_document
from ml_connector.ports import Archive, Json, Posting

CHUNK_SINGLE = 200
"""Changes of one step that are sent one by one."""
CHUNK_BATCH = 50
"""Changes of one request that is taken whole or not at all."""
CHUNK_FILE = 1_000
"""Changes of one file: each of its suppliers is read before and after."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """What shall be otherwise of one supplier, or a supplier that shall be made.

    Attributes:
        number: Of the supplier; empty when the ERP is to give the new one a number.
        name: As the ERP has it, or shall have it.
        remote_id: As the ERP knows it; empty for a new one.
        version: The ERP's mark of the state the change was decided upon; empty for a new one.
        before: What the ERP held of the attributes in `after`; empty for a new one.
        after: Attributes to write and their values; an empty value empties the attribute.
        model: What the model holds of them; beside `after` it differs only in attributes a
            person or the settings added.
    """

    number: str
    name: str
    remote_id: str = ""
    version: str = ""
    before: Mapping[str, str] = field(default_factory=dict, repr=False)
    after: Mapping[str, str] = field(repr=False)
    model: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def is_creation(self) -> bool:
        """The ERP does not have the supplier yet."""
        return not self.remote_id

    @property
    def subject(self) -> str:
        """What its posting is about."""
        return f"new supplier {self.name}" if self.is_creation else f"supplier {self.number}"


def render_revision(revision: Revision) -> Json:
    """The revision as a chunk holds it."""
    return asdict(revision)


def parse_chunk(archive: Archive, chunk_hash: str) -> list[Revision]:
    """The revisions of an archived chunk, in their order."""
    rows: list[dict[str, Any]] = read_document(archive, chunk_hash)
    return [Revision(**row) for row in rows]


def find_revision(archive: Archive, posting: Posting) -> Revision:
    """What was decided of the posting's supplier."""
    chunk = parse_chunk(archive, posting.content_hash)
    return next(one for one in chunk if one.subject == posting.subject)


def load_plan(bench: SupplierBench, plan_hash: str) -> Json:
    """The plan's own document.

    `flow`, `run_id`, `connection`, `send` (`single`, `batch` or `file`), `changes` and `creations`
    (counts), `chunks` (hashes of the revisions' documents, changes before creations),
    `reverses` (key of the posting the plan takes back, mostly empty).
    """
    return dict(read_document(bench.archive, plan_hash))
