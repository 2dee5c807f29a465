"""What doctor asks before journals are written: the orchestration, its inputs, the way back."""

from collections.abc import Callable, Iterator
from typing import Final

from ml_connector.errors import ConnectorError
from ml_connector.ports import Check
from ml_connector.systems.jde.client import OrchestrationRow
from ml_connector.systems.jde.conditions import Query, equal
from ml_connector.systems.jde.findings import Findings, fail, ok, warn
from ml_connector.systems.jde.journal_lines import BATCHES, KeyedLines, KeyPassedOverError
from ml_connector.systems.jde.journal_rules import BatchStateRow, KeyedRow
from ml_connector.systems.jde.journals import JournalDesk
from ml_connector.systems.jde.orchestration_wire import FORMATS, OUTPUTS
from ml_connector.systems.jde.orchestrations import (
    OrchestrationMissingError,
    OrchestrationRefusedError,
)
from ml_connector.systems.jde.rows import ACCOUNT_LEDGER, columns_of

NOBODYS_KEY: Final = "00000000"
"""No posting has it: keys are made of A to Z and 2 to 7."""
SUBJECT: Final = "orchestration"
_SPECIFICATION: Final = "docs/guides/jde-journal-orchestration.md"


def run_journal_checks(desk: JournalDesk, lines: KeyedLines, *, ledger: str) -> Iterator[Check]:
    """Yield whether journals of the ledger can be entered and found again; writes nothing."""
    checks = _JournalChecks(desk, lines)
    yield from _guard(SUBJECT, checks.check_orchestration)
    yield from _guard("key", checks.check_key)
    yield from _guard(f"table {BATCHES}", checks.check_batches)
    yield from _guard(f"ledger {ledger}", lambda: checks.check_ledger(ledger))


class _JournalChecks:
    def __init__(self, desk: JournalDesk, lines: KeyedLines) -> None:
        self._client = lines.client
        self._reference = lines.reference
        self._desk = desk
        self._lines = lines
        self._settings = desk.settings

    def check_orchestration(self) -> Findings:
        """The orchestration is there, takes what is sent, and answers what is read.

        With the format of its inputs given, nothing that is sent depends on the list: a server
        that does not give it leaves the check open.
        """
        try:
            row = self._desk.find_orchestration()
        except OrchestrationMissingError:
            raise
        except ConnectorError as error:
            if self._settings.input_format is None:
                raise
            finding = f"Whether {self._settings.name} is there cannot be told: {error.refused}"
            return [warn(SUBJECT, finding, error.next_step)]
        said = f" ({row.description})" if row.description else ""
        found = [ok(SUBJECT, f"{row.name} is visible to the user{said}.")]
        return [*found, *self._check_format(row), *self._check_inputs(row), *_check_outputs(row)]

    def _check_format(self, row: OrchestrationRow) -> Findings:
        subject, wanted = "input format", self._settings.input_format
        told = FORMATS.get(row.input_format.casefold())
        if wanted is None and told is None:
            finding = f"{row.name} wants inputs as {row.input_format!r}, which cannot be sent."
            next_step = f"Make it of the format {' or '.join(FORMATS.values())} in the Studio."
            return [fail(subject, finding, next_step, code=OrchestrationRefusedError.code)]
        if wanted is not None and told is not None and wanted != told:
            finding = f"{row.name} wants inputs as {told!r}; the connection says {wanted!r}."
            next_step = "Correct `orchestration.input_format` of the connection, or leave it out."
            return [fail(subject, finding, next_step, code=OrchestrationRefusedError.code)]
        return [ok(subject, f"Inputs are sent as {wanted or told!r}.")]

    def _check_inputs(self, row: OrchestrationRow) -> Findings:
        """Each input that is sent is declared, and each declared one is sent."""
        head, line = self._settings.head_names, self._settings.line_names
        found = _compare_inputs("inputs", set(head.values()), set(row.inputs))
        declared = row.arrays.get(head["Lines"], ())
        return [*found, *_compare_inputs("inputs of lines", set(line.values()), set(declared))]

    def check_key(self) -> Findings:
        """Lines are found by their key, with every column that is read of them."""
        counted = self._lines.count(NOBODYS_KEY)
        if counted:
            finding = f"{counted} lines come for the key {NOBODYS_KEY}, which no posting has."
            next_step = "Let the user see and search column R2 of F0911 (column security)."
            return [fail("key", finding, next_step, code=KeyPassedOverError.code)]
        self._client.browse(
            Query(
                table=ACCOUNT_LEDGER,
                columns=columns_of(KeyedRow),
                conditions=(equal("R2", NOBODYS_KEY),),
            )
        )
        return [ok("key", "Lines can be found by the key in reference 2 (R2).")]

    def check_batches(self) -> Findings:
        """Batch states can be read."""
        self._client.browse(
            Query(
                table=BATCHES, columns=columns_of(BatchStateRow), conditions=(equal("ICU", 0),)
            )
        )  # fmt: skip
        return [ok(f"table {BATCHES}", "The state of batches can be read.")]

    def check_ledger(self, ledger: str) -> Findings:
        """The ledger is one of the connection's and takes journals."""
        subject = f"ledger {ledger}"
        known = {each.name: each for each in self._reference.list_ledgers()}
        if ledger not in known:
            finding = f"Ledger {ledger} is not visible; visible are {', '.join(sorted(known))}."
            next_step = "Add its ledger type to `ledger_types` of the connection, or correct it."
            return [fail(subject, finding, next_step, code="books.ledger-not-visible")]
        rules = self._desk.read_rules(known[ledger])
        if rules.refuses:
            finding = f"It takes no journals: {rules.refuses}."
            next_step = "Name another ledger type in the flow."
            return [fail(subject, finding, next_step, code="budgets.ledger-refused")]
        balanced = "must balance" if rules.must_balance else "need not balance"
        return [ok(subject, f"It takes journals; they {balanced}.")]


def _check_outputs(row: OrchestrationRow) -> Findings:
    missing = [name for name in OUTPUTS if name not in row.outputs]
    if not missing:
        return [ok("outputs", "Its answer tells what became of a journal.")]
    finding = f"{row.name} names no outputs {', '.join(missing)}: its answers may not tell."
    next_step = f"Name the outputs as {_SPECIFICATION} says; else each journal is looked for."
    return [warn("outputs", finding, next_step)]


def _compare_inputs(subject: str, sent: set[str], declared: set[str]) -> Findings:
    if not declared:
        finding = "The server does not tell which there are."
        return [warn(subject, finding, f"Compare them with {_SPECIFICATION} once.")]
    found: Findings = []
    if missing := sorted(sent - declared):
        finding = f"These are sent and not declared: {', '.join(missing)}."
        next_step = "Declare them in the Studio, or map or leave them out in the connection's"
        next_step += f" `orchestration` section; {_SPECIFICATION} says what they are."
        found.append(fail(subject, finding, next_step, code=OrchestrationRefusedError.code))
    if unknown := sorted(declared - sent):
        finding = f"These are declared and not sent: {', '.join(unknown)}."
        found.append(warn(subject, finding, "Give them a default value in the Studio."))
    return found or [ok(subject, "Each that is sent is declared.")]


def _guard(subject: str, body: Callable[[], Findings]) -> Findings:
    """The findings, or the error they ended with as a finding of its own."""
    try:
        return body()
    except ConnectorError as error:
        return [fail(subject, error.refused, error.next_step, code=error.code)]
