"""Suppliers: the ERP's side of changes that come out of a plan.

The answer of an ERP to a change is one of four: taken, refused, overtaken by somebody else's
change, or unknown. Each write names the version it was decided upon, so that nobody's work is
overwritten; a creation has no version, and what keeps it from happening twice is a look by number
and name beforehand.

Attributes go by the connector's own names, and their values are texts: days as ISO 8601 has them,
flags as `Y` or `N`, amounts as plain digits, empty where there is none.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import ClassVar, Protocol

from ml_connector.errors import RefusedError


class SupplierChangedError(RefusedError):
    """Somebody else changed the supplier after it was read; nothing of ours was written."""

    code: ClassVar[str] = "suppliers.changed"


class SupplierMissingError(RefusedError):
    """The ERP shows no such supplier, or not exactly one."""

    code: ClassVar[str] = "suppliers.missing"


@dataclass(frozen=True, slots=True, kw_only=True)
class SupplierRow:
    """A supplier as the ERP shows it now.

    Attributes:
        number: As people know it.
        remote_id: As the ERP knows it; a change is addressed by it.
        version: The ERP's mark of this state; every change of anybody gives another one.
        attributes: Every attribute that can be read.
        hidden: Attributes that have a value which is not shown; they are never compared, and never
            sent back.
    """

    number: str
    remote_id: str
    version: str
    attributes: Mapping[str, str] = field(repr=False)
    hidden: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class SupplierChange:
    """What shall be otherwise of one supplier.

    Attributes:
        number: As `SupplierRow` has it.
        remote_id: As `SupplierRow` has it.
        version: As `SupplierRow` had it when the change was decided.
        attributes: Those to change and no other; an empty value empties the attribute.
    """

    number: str
    remote_id: str
    version: str
    attributes: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class SupplierReceipt:
    """The ERP's word that it took a change or a creation.

    Attributes:
        row: The supplier as the answer shows it, with its new version.
        unlike: Attributes that do not show what was sent: an ERP may turn names into capitals, and
            may pass over in silence what it does not let anybody write.
    """

    row: SupplierRow
    unlike: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SupplierFound:
    """Every supplier with the number or the name that was looked for; mostly none or one."""

    rows: tuple[SupplierRow, ...] = ()


class ColumnKind(StrEnum):
    """How a column of a file writes its values."""

    TEXT = "text"
    DATE = "date"
    FLAG = "flag"
    AMOUNT = "amount"


@dataclass(frozen=True, slots=True, kw_only=True)
class FileColumn:
    """A column of the customer's own template.

    Attributes:
        name: As the template heads it; told in errors.
        attribute: What stands there: an attribute of the rows, `action` or `batch`; empty when the
            column stays empty.
        kind: How its values are written.
        constant: Stands in every line instead, such as a mark that ends it.
    """

    name: str
    attribute: str = ""
    kind: ColumnKind = ColumnKind.TEXT
    constant: str = ""


class FileObject(StrEnum):
    """What a file holds; suppliers come before all that hangs on them, in this order."""

    SUPPLIERS = "suppliers"
    ADDRESSES = "addresses"
    SITES = "sites"
    ASSIGNMENTS = "assignments"
    CONTACTS = "contacts"


class FileAction(StrEnum):
    """What a row of a file asks for."""

    CREATE = "CREATE"
    UPDATE = "UPDATE"


@dataclass(frozen=True, slots=True, kw_only=True)
class FileRow:
    """A row of a file: attributes left out stay as they are, empty ones are emptied."""

    action: FileAction
    attributes: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class SupplierFile:
    """Rows that are imported by one job, which takes those that fit and leaves the others.

    Attributes:
        holds: Which of the objects its rows are.
        batch: A name nobody used before; rows of other files wait untouched under theirs.
        columns: The customer's template, every column of it in its order.
        rows: What is imported.
    """

    holds: FileObject
    batch: str
    columns: tuple[FileColumn, ...] = field(repr=False)
    rows: tuple[FileRow, ...] = field(repr=False)


class JobState(StrEnum):
    """How far a job has come, all its parts taken together."""

    RUNNING = "running"
    SUCCEEDED = "succeeded"
    """Every part says so; whether rows were refused is in the report all the same."""
    WARNED = "ended with a warning"
    FAILED = "failed"
    UNKNOWN = "unknown"
    """The ERP says nothing of it, be it over or not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobPart:
    """A job of the tree below the one that was submitted, that one included."""

    job_id: str
    name: str
    word: str
    """The state in the ERP's own word."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobStatus:
    """What the ERP says of a job and its parts."""

    state: JobState
    parts: tuple[JobPart, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FileRefusal:
    """A row of a file that was not taken.

    Attributes:
        record: Its place in the file from 1 on; 0 when the report does not say.
        name: Of the supplier, as the row had it.
        number: Of the supplier, as the row had it; may be empty.
        column: What it is about, as the template heads it; may be empty.
        reason: In the ERP's words.
    """

    record: int
    name: str
    number: str
    column: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FileReport:
    """What became of the rows of a file.

    Attributes:
        rows_read: As the ERP counts them; None when it does not tell.
        rows_taken: Likewise.
        rows_refused: Likewise.
        refusals: Those that are named; one row may be refused for several reasons.
        messages: What the jobs wrote of things gone wrong, in their words.
        is_whole: Every refused row is named; without it, only reading the suppliers tells.
    """

    rows_read: int | None
    rows_taken: int | None
    rows_refused: int | None
    refusals: tuple[FileRefusal, ...]
    messages: tuple[str, ...]
    is_whole: bool


class SupplierTarget(Protocol):
    """An ERP that suppliers are written into.

    Raises as `LedgerSource`. Nothing that is submitted is ever sent twice, except after an answer
    that refuses the log-in, which proves that nothing was executed. After `OutcomeUnknownError` the
    supplier is read, and what it shows decides.
    """

    connection: str

    def read_suppliers(self) -> Iterator[SupplierRow]:
        """Yield every supplier in one sweep, in no promised order; versions may be empty."""

    def read_supplier(self, number: str) -> SupplierRow:
        """The supplier as it stands now.

        Raises:
            SupplierMissingError: None is shown, or several bear the number.
        """

    def find_supplier(self, *, number: str = "", name: str = "") -> SupplierFound:
        """Every supplier that has the number or, whatever its capitals, the name.

        One made a moment ago may not be shown yet: look again before it is called absent.
        """

    def submit_change(self, change: SupplierChange) -> SupplierReceipt:
        """The attributes are as the change has them, if nobody else changed the supplier.

        Raises:
            SupplierChangedError: Somebody did; read it again and decide anew.
            SupplierMissingError: It is not there any more.
            RefusedError: The ERP says why it changed nothing.
            OutcomeUnknownError: No answer, or one that does not tell.
        """

    def submit_creation(self, attributes: Mapping[str, str]) -> SupplierReceipt:
        """There is one supplier more; not repeatable, so look for it first.

        Args:
            attributes: `name` and what else the ERP wants; `number` where it does not give one.

        Raises:
            RefusedError: The ERP says why it made none, such as another one of the name.
            OutcomeUnknownError: No answer, or one that does not tell; look by number and name.
        """

    def submit_batch(self, changes: Sequence[SupplierChange]) -> tuple[SupplierReceipt, ...]:
        """All the changes are made, in their order; after an error of the first two kinds none is.

        Raises:
            SupplierChangedError: Somebody changed one of them; the text names it.
            RefusedError: The ERP says why, and mostly of which supplier.
            OutcomeUnknownError: No answer, or suppliers moved although it was refused.
        """

    def submit_file(self, file: SupplierFile) -> str:
        """The id of the job that loads and imports the file; the same file twice imports twice.

        Raises:
            RefusedError: The ERP took no file, and the text says why.
            OutcomeUnknownError: No answer, or one without an id; the suppliers tell.
        """

    def read_job(self, job_id: str) -> JobStatus:
        """How far the job has come now; waiting between two looks is the caller's."""

    def read_job_report(self, job_id: str) -> FileReport:
        """What became of the rows of a job that is over."""
