"""Reads mapping files; all faults of a file are told at once."""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from datetime import date
from typing import NamedTuple

from ml_connector.domain.mapping_rules import (
    COLUMNS,
    MappingRule,
    MappingSet,
    template_facts,
)
from ml_connector.domain.patterns import Condition, PatternError, parse_conditions
from ml_connector.errors import SettingsError

FAULTS_TOLD_MAX = 1_000
"""Faults told one by one; a file with more of them has one fault in every row."""
FAULT_CHARACTERS_MAX = 600
"""Of one fault; what it quotes of a longer cell is cut in its midst, for people read it."""
_COLUMNS_NEEDED = COLUMNS[:3]
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_PRECEDENCE = re.compile(r"\d{1,6}", re.ASCII)


class MappingFault(NamedTuple):
    """One thing wrong with a mapping file; line 0 is the file as a whole."""

    origin: str
    line: int
    text: str

    @property
    def sentence(self) -> str:
        """The fault with its place in front."""
        place = f"{self.origin}, line {self.line}" if self.line else self.origin
        return f"{place}: {self.text}."


class MappingFaultsError(SettingsError):
    """A mapping holds faults; the text lists them with their lines."""

    code = "mapping.faults"

    def __init__(self, faults: Iterable[MappingFault]) -> None:
        self.faults = tuple(sorted(map(_shorten, faults)))
        listed = "\n".join(f"  {fault.sentence}" for fault in self.faults[:FAULTS_TOLD_MAX])
        if len(self.faults) > FAULTS_TOLD_MAX:
            listed += f"\n  and {len(self.faults) - FAULTS_TOLD_MAX} more"
        origins = ", ".join(sorted({fault.origin for fault in self.faults}))
        super().__init__(
            f"The mapping has {len(self.faults)} fault(s):\n{listed}\n",
            written="Nothing was read or sent; the mapping in use is unchanged.",
            next_step=f"Correct {origins} and check it with `ml-connector mappings test`.",
            faults=len(self.faults),
            origin=origins,
        )


def _shorten(fault: MappingFault) -> MappingFault:
    """The fault with the beginning and the end of its text, where that is too long to read."""
    half = FAULT_CHARACTERS_MAX // 2
    text = fault.text
    if len(text) <= FAULT_CHARACTERS_MAX:
        return fault
    return fault._replace(text=f"{text[:half]} \N{HORIZONTAL ELLIPSIS} {text[-half:]}")


class MappingWords(NamedTuple):
    """Names a mapping may use; None leaves a kind of name unchecked."""

    facts: AbstractSet[str] | None = None
    dimensions: AbstractSet[str] | None = None


ANY_WORDS = MappingWords()
"""Leaves every name unchecked."""


def parse_mapping(
    text: str,
    *,
    origin: str,
    facts: AbstractSet[str] | None = None,
    dimensions: AbstractSet[str] | None = None,
) -> MappingSet:
    """The mapping a CSV text holds, rules in file order.

    Args:
        text: With a heading of `dimension,when,target` and any of the other columns, in any order.
        origin: What faults call the file.
        facts: Names conditions and targets may use; None leaves them unchecked.
        dimensions: Names the first column may use; None leaves them unchecked.

    Raises:
        MappingFaultsError: With every fault of the text.
    """
    faults: list[MappingFault] = []
    rows = _read_rows(text, origin=origin, faults=faults)
    return parse_rows(
        rows,
        origin=origin,
        words=MappingWords(facts, dimensions),
        faults=faults,
    )


def parse_rows(
    rows: Iterable[tuple[int, Mapping[str, str]]],
    *,
    origin: str,
    words: MappingWords = ANY_WORDS,
    faults: Iterable[MappingFault] = (),
) -> MappingSet:
    """The mapping of rows that were read from any file; each with its line and cells by column.

    Args:
        rows: Cells by the names in `COLUMNS`; missing ones count as empty.
        origin: What faults call the file.
        words: Names the rules may use.
        faults: Faults found before; told together with the ones found here.

    Raises:
        MappingFaultsError: With every fault of the rows.
    """
    rules: list[MappingRule] = []
    found: list[MappingFault] = []
    for line, row in rows:
        reading = _RowReading(row, words)
        rule = reading.read_rule(origin=origin, line=line)
        found += [MappingFault(origin, line, text) for text in reading.faults]
        if not reading.faults:
            rules.append(rule)
    # Rows are read lazily, so faults of reading are complete only here.
    found += [*faults, *_find_conflicts(rules)]
    if found:
        raise MappingFaultsError(found)
    return MappingSet(rules=tuple(rules), origin=origin)


def _read_rows(
    text: str, *, origin: str, faults: list[MappingFault]
) -> Iterator[tuple[int, dict[str, str]]]:
    reader = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""), strict=True)
    heading: list[str] | None = None
    line = 1
    try:
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                pass
            elif heading is None:
                heading = [cell.strip() for cell in cells]
                faults += [MappingFault(origin, line, fault) for fault in check_heading(heading)]
            elif len(cells) != len(heading):
                fault = f"the row has {len(cells)} cells, the heading has {len(heading)}"
                faults.append(MappingFault(origin, line, fault))
            else:
                yield line, dict(zip(heading, cells, strict=True))
            line = reader.line_num + 1
            if heading is not None and not set(_COLUMNS_NEEDED) <= set(heading):
                return
    except csv.Error as error:
        faults.append(MappingFault(origin, line, f"the file is no CSV text ({error})"))
    if heading is None:
        faults.append(MappingFault(origin, 0, f"the heading {','.join(COLUMNS)} is missing"))


def check_heading(heading: list[str]) -> Iterator[str]:
    """Yield what is wrong with the heading of a file of rules."""
    if missing := [name for name in _COLUMNS_NEEDED if name not in heading]:
        yield f"the heading lacks {', '.join(missing)}; columns are separated by commas"
    if unknown := [name for name in heading if name not in COLUMNS]:
        yield f"unknown columns {', '.join(map(repr, unknown))}; known are {', '.join(COLUMNS)}"
    if len(set(heading)) != len(heading):
        yield "the heading names a column twice"


class _RowReading:
    """Reads one row and collects what is wrong with it."""

    def __init__(self, row: Mapping[str, str], words: MappingWords) -> None:
        self._cells = {name: _clean(row.get(name) or "") for name in COLUMNS}
        self._words = words
        self.faults: list[str] = []

    def read_rule(self, *, origin: str, line: int) -> MappingRule:
        """The rule of the row; where `faults` are found, a rule that must not be used."""
        self._check_characters()
        valid_from, valid_to = self._read_dates()
        return MappingRule(
            dimension=self._read_dimension(),
            target=self._read_target(),
            conditions=self._read_conditions(),
            precedence=self._read_precedence(),
            valid_from=valid_from,
            valid_to=valid_to,
            note=self._cells["note"],
            origin=origin,
            line=line,
        )

    def _check_characters(self) -> None:
        # Nobody types it, and not every database holds it.
        self.faults += [
            f"the {name} holds the character U+0000, which no text has"
            for name, cell in self._cells.items()
            if "\0" in cell
        ]

    def _read_dimension(self) -> str:
        name = self._cells["dimension"]
        known = self._words.dimensions
        if not name:
            self.faults.append("the dimension is empty")
        elif known is not None and name not in known:
            self.faults.append(f"unknown dimension {name!r}; known are {_listed(known)}")
        return name

    def _read_conditions(self) -> tuple[Condition, ...]:
        try:
            conditions = parse_conditions(self._cells["when"])
        except PatternError as error:
            self.faults.append(str(error))
            return ()
        self._check_facts(condition.fact for condition in conditions)
        return conditions

    def _read_target(self) -> str:
        target = self._cells["target"]
        if not target:
            self.faults.append("the target is empty")
        try:
            self._check_facts(template_facts(target))
        except PatternError as error:
            self.faults.append(str(error))
        return target

    def _check_facts(self, names: Iterable[str]) -> None:
        known = self._words.facts
        if known is None:
            return
        self.faults += [
            f"unknown fact {name!r}; known are {_listed(known)}"
            for name in sorted(set(names))
            if name not in known
        ]

    def _read_precedence(self) -> int | None:
        text = self._cells["precedence"]
        if text and not _PRECEDENCE.fullmatch(text):
            self.faults.append(f"the precedence {text!r} is no whole number from 0 to 999999")
            return None
        return int(text) if text else None

    def _read_dates(self) -> tuple[date | None, date | None]:
        first, last = self._read_date("valid_from"), self._read_date("valid_to")
        if first is not None and last is not None and first > last:
            self.faults.append(f"valid_from {first} lies after valid_to {last}")
        return first, last

    def _read_date(self, column: str) -> date | None:
        text = self._cells[column]
        if not text:
            return None
        try:
            # The library would also take week dates and dates without hyphens.
            found = date.fromisoformat(text) if _DATE.fullmatch(text) else None
        except ValueError:
            found = None
        if found is None:
            self.faults.append(f"{column} {text!r} is no date such as 2026-10-31")
        return found


def _clean(cell: str) -> str:
    # Spreadsheets write line breaks in three ways; one of them keeps the content hash the same.
    return cell.replace("\r\n", "\n").replace("\r", "\n").strip()


def _find_conflicts(rules: Iterable[MappingRule]) -> Iterator[MappingFault]:
    """Rules with equal conditions and precedence, common dates and different targets.

    Only the place in the file would decide between them, which is never what somebody meant.
    """
    seen: dict[object, dict[object, MappingRule]] = {}
    for rule in rules:
        key = (rule.dimension, frozenset(rule.conditions), rule.precedence_counted)
        same = seen.setdefault(key, {})
        other = next((o for o in same.values() if _contradict(o, rule)), None)
        if other is None:
            same.setdefault((rule.target, rule.valid_from, rule.valid_to), rule)
            continue
        # Held against the first only: a column left empty makes every rule contradict every other.
        yield MappingFault(
            rule.origin,
            rule.line,
            f"{rule.dimension} {rule.when or 'always'!r} goes to {rule.target!r}, but in"
            f" {other.origin or 'the mapping'} line {other.line} to {other.target!r} at"
            " the same dates",
        )


def _contradict(one: MappingRule, other: MappingRule) -> bool:
    return one.target != other.target and _share_dates(one, other)


def _share_dates(one: MappingRule, other: MappingRule) -> bool:
    first = max(one.valid_from or date.min, other.valid_from or date.min)
    return first <= min(one.valid_to or date.max, other.valid_to or date.max)


def _listed(names: AbstractSet[str]) -> str:
    return ", ".join(sorted(names))
