"""A flow's rules in force: in the project's file, or kept by the records once somebody took them.

Whoever keeps them, each content that was in force is a version of the history. Saving begins from
a version and is refused when there is a newer one, so that nobody undoes what they never saw.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from ml_connector.domain.mapping_file import MappingFaultsError, MappingWords, parse_mapping
from ml_connector.domain.mapping_rules import (
    MappingDiff,
    MappingSet,
    diff_mappings,
    render_mapping,
)
from ml_connector.domain.texts import verify_length
from ml_connector.errors import BusyError, UsageError
from ml_connector.ports import Records
from ml_connector.ports.rules import Deed, NewRules, RuleVersion
from ml_connector.settings import ActualsFlow

MOVED = "mapping.moved"
"""Code of the store's refusal to save over what was saved meanwhile."""
COMMENT_CHARACTERS_MAX = 500
PARSED_KEPT = 32
"""Contents that stay parsed; pages ask for the same ones again and again."""


class RulesConflictError(BusyError):
    """Somebody saved the flow's rules meanwhile; holds what they changed and what was not saved."""

    code = "mapping.conflict"

    def __init__(self, error: BusyError, *, theirs: MappingDiff, ours: MappingDiff) -> None:
        self.theirs, self.ours = theirs, ours
        super().__init__(
            f"{error.refused} They changed {count_changes(theirs)} rules,"
            f" you {count_changes(ours)}.",
            written=error.written, next_step=error.next_step,
        )  # fmt: skip


class FileMovedError(BusyError):
    """The project's file of rules was changed, or they were taken over, after these were begun."""

    code = "mapping.file-moved"


class NotKeptError(UsageError):
    """The flow's rules are kept in the project's file, where they are changed."""

    code = "mapping.not-kept"


class UnknownVersionError(UsageError):
    """The history of the flow's rules has no version of that number."""

    code = "mapping.unknown-version"


@dataclass(frozen=True, slots=True, kw_only=True)
class RulesInForce:
    """The rules the next run goes by.

    Attributes:
        mapping: The rules.
        version: The newest deed of their history; None before the first run.
        is_kept: Whether the records keep them; else the project's file does.
        file: The rules of the project's file; None where it holds faults.
    """

    mapping: MappingSet
    version: RuleVersion | None
    is_kept: bool
    file: MappingSet | None

    @property
    def number(self) -> int:
        """Of the newest version; 0 before the first."""
        return self.version.number if self.version else 0

    @property
    def drift(self) -> MappingDiff | None:
        """What the project's file would change; None while it decides, or is no mapping."""
        if not self.is_kept or self.file is None:
            return None
        found = diff_mappings(self.mapping, self.file)
        return None if found.is_empty else found


def count_changes(diff: MappingDiff) -> int:
    """How many rules differ."""
    return len(diff.added) + len(diff.removed) + len(diff.changed) + len(diff.moved)


@lru_cache(maxsize=PARSED_KEPT)
def parse_cached(content: str, origin: str, facts: frozenset[str] | None = None) -> MappingSet:
    """The rules of a text that holds no faults; the same text is read once."""
    return parse_mapping(content, origin=origin, facts=facts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rulebook:
    """The rules of one flow.

    Attributes:
        flow: Its settings.
        records: All stores.
        read_file: The text of the project's file of rules.
        actor: Who acts.
        facts: Names the rules may use for what they ask about a line; None leaves them unchecked.
    """

    flow: ActualsFlow
    records: Records
    read_file: Callable[[], str]
    actor: str
    facts: frozenset[str] | None = None

    @property
    def words(self) -> MappingWords:
        """The names the rules may use."""
        mapped = frozenset(d.name for d in self.flow.dimensions if d.source == "mapping")
        return MappingWords(self.facts, mapped)

    def find_kept_text(self) -> str | None:
        """The text of the rules the records keep; None while the project's file decides."""
        version = self.records.mappings.find_version(self.flow.name)
        if version is None or not version.is_kept:
            return None
        return self._load_text(version)

    def load(self) -> RulesInForce:
        """The rules in force.

        Raises:
            MappingFaultsError: The file decides, and holds faults; all of them.
        """
        version = self.records.mappings.find_version(self.flow.name)
        if version is None or not version.is_kept:
            mapping = self._parse_file()
            return RulesInForce(mapping=mapping, version=version, is_kept=False, file=mapping)
        return RulesInForce(
            mapping=self._parse(self._load_text(version), version.number),
            version=version, is_kept=True, file=self._find_file(),
        )  # fmt: skip

    def load_version(self, number: int) -> tuple[RuleVersion, MappingSet]:
        """A version and its rules.

        Raises:
            UnknownVersionError: There is none of that number.
        """
        found = self.records.mappings.find_version(self.flow.name, number)
        if found is None:
            raise UnknownVersionError(
                f"The rules of flow {self.flow.name} have no version {number}.",
                written="Nothing was changed.",
                next_step=f"List them: `ml-connector mappings history {self.flow.name}`.",
                flow=self.flow.name, number=number,
            )  # fmt: skip
        return found, self._parse(self._load_text(found), number)

    def find_in_force(self) -> RulesInForce | None:
        """The rules in force; None where the file decides, and holds faults."""
        try:
            return self.load()
        except MappingFaultsError:
            return None

    def verify_unmoved(self, held: RulesInForce | None) -> None:
        """The rules in force are still those, and kept where they were; None: a faulty file's.

        Raises:
            FileMovedError: They were changed or taken over meanwhile.
        """
        now = self.find_in_force()
        before, after = ((one.is_kept, one.mapping) if one else None for one in (held, now))
        if before != after:
            raise FileMovedError(
                f"The rules of flow {self.flow.name} were changed or taken over meanwhile.",
                written="Nothing was saved; the rules are as they were saved meanwhile.",
                next_step="Do it again: it begins with the rules as they are now.",
                flow=self.flow.name,
            )

    def take(self, *, comment: str) -> RuleVersion:
        """The records keep the rules from now on, beginning with those of the file.

        Raises:
            UsageError: They do already.
            MappingFaultsError: The file holds faults.
        """
        held = self.load()
        if held.is_kept:
            raise UsageError(
                f"The rules of flow {self.flow.name} are kept in the records already.",
                written="Nothing was changed.",
                next_step=f"See their history: `ml-connector mappings history {self.flow.name}`.",
                flow=self.flow.name,
            )
        return self._append(held.mapping, Deed.TAKEN, based_on=held.number, comment=comment)

    def give_back(self, *, comment: str, based_on: int | None = None) -> RuleVersion:
        """The project's file decides again, with the rules it holds now.

        Args:
            comment: Why.
            based_on: The version that was looked at before; the newest unless it is named.

        Raises:
            NotKeptError: It does already.
            BusyError: Somebody saved after that version.
            MappingFaultsError: The file holds faults; the records go on keeping the rules.
        """
        held = self.load()
        self._verify_kept(held)
        mapping = self._parse_file()
        seen = held.number if based_on is None else based_on
        return self._append(mapping, Deed.RETURNED, based_on=seen, comment=comment)

    def restore(self, number: int, *, comment: str, based_on: int | None = None) -> RuleVersion:
        """The rules are those of an earlier version again, as a new one.

        Args:
            number: Of the earlier version.
            comment: Why.
            based_on: The version that was looked at before; the newest unless it is named.

        Raises:
            NotKeptError: The project's file decides.
            UnknownVersionError: There is no such version.
            BusyError: Somebody saved after the one that was looked at.
        """
        held = self.load()
        self._verify_kept(held)
        _, mapping = self.load_version(number)
        told = f"Version {number} again. {comment}".strip()
        seen = held.number if based_on is None else based_on
        return self._append(mapping, Deed.RESTORED, based_on=seen, comment=told)

    def save(
        self, mapping: MappingSet, *, based_on: int, comment: str, deed: Deed = Deed.SAVED
    ) -> RuleVersion:
        """The rules are these.

        Raises:
            NotKeptError: The project's file decides; it is changed there.
            RulesConflictError: Somebody saved meanwhile; holds both changes.
            MappingFaultsError: The rules contradict each other.
        """
        held = self.load()
        self._verify_kept(held)
        # Facts are looked at where rules come in: one kept since before is no fault of this change.
        checked = parse_mapping(
            render_mapping(mapping), origin=mapping.origin, dimensions=self.words.dimensions
        )
        try:
            return self._append(checked, deed, based_on=based_on, comment=comment)
        except BusyError as error:
            if error.code != MOVED:
                raise
            raise self._describe_conflict(error, based_on, checked) from error

    def _describe_conflict(
        self, error: BusyError, based_on: int, mapping: MappingSet
    ) -> RulesConflictError:
        base = self.load_version(based_on)[1] if based_on else MappingSet()
        now = self.load().mapping
        return RulesConflictError(
            error, theirs=diff_mappings(base, now), ours=diff_mappings(base, mapping)
        )

    def _append(
        self, mapping: MappingSet, deed: Deed, *, based_on: int, comment: str
    ) -> RuleVersion:
        said = verify_length(comment, most=COMMENT_CHARACTERS_MAX, what="The comment")
        new = NewRules(
            content_hash=mapping.content_hash, content=render_mapping(mapping),
            rules=len(mapping.rules), deed=deed, comment=said,
            is_kept=deed is not Deed.RETURNED,
        )  # fmt: skip
        name = self.flow.name
        with self.records.transactions.begin(f"the rules of {name}"):
            saved = self.records.mappings.save_version(
                name, new, based_on=based_on, actor=self.actor
            )
            self.records.audit.record(
                "mapping.saved", subject=name, actor=self.actor, number=saved.number,
                deed=deed.value, hash=saved.content_hash, rules=saved.rules, comment=new.comment,
            )  # fmt: skip
        return saved

    def _verify_kept(self, held: RulesInForce) -> None:
        if not held.is_kept:
            raise NotKeptError(
                f"The rules of flow {self.flow.name} are kept in {self.flow.mapping}.",
                written="Nothing was changed.",
                next_step="Change that file, or let the records keep them:"
                f" `ml-connector mappings keep {self.flow.name} records`.",
                flow=self.flow.name,
            )

    def _load_text(self, version: RuleVersion) -> str:
        text = self.records.mappings.find_mapping(version.content_hash)
        assert text is not None, "a version is saved together with its content"
        return text

    def _parse(self, text: str, number: int) -> MappingSet:
        return parse_cached(text, f"version {number} of {self.flow.name}")

    def _parse_file(self) -> MappingSet:
        return parse_cached(self.read_file(), str(self.flow.mapping), self.facts)

    def _find_file(self) -> MappingSet | None:
        """What the file holds, kept or not; a faulty one is nobody's business while it is not."""
        try:
            return self._parse_file()
        except UsageError:
            return None
