"""Mapping rules, their history and their reach: for commands, pages and calls alike."""

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from ml_connector.errors import UsageError
from ml_connector.ports.rules import Deed
from ml_connector.settings import ActualsFlow
from ml_connector.settings.flows import LINE_FACTS
from ml_connector.wiring.parts import Part

if TYPE_CHECKING:
    from ml_connector.domain.mapping import Explanation
    from ml_connector.domain.mapping_rules import MappingDiff, MappingSet
    from ml_connector.flows.placing.coverage import CoverageRow, UnmappedRow
    from ml_connector.flows.placing.moving import Weighed
    from ml_connector.flows.placing.reach import Reach
    from ml_connector.flows.placing.rulebook import Rulebook, RulesInForce
    from ml_connector.ports.rules import RuleVersion

FILE = "file"
"""Names the rules of the project's file where a version's number is asked for."""
DIGITS_MAX = 7
"""Of a version's number."""
SHOWN_MAX = 40
"""Characters an error quotes of what was typed."""


class Mappings(Part):
    """The mapping part of a house; the house itself supplies project, records and benches."""

    def rulebook(self, flow_name: str) -> "Rulebook":
        """The rules of a flow, to look at and to change."""
        from ml_connector.flows.placing.rulebook import Rulebook  # noqa: PLC0415 - start-up time.

        flow = self.actuals_flow(flow_name)
        return Rulebook(
            flow=flow, records=self.records, actor=self.actor,
            read_file=lambda: self.project.read_text(flow.mapping), facts=self.find_facts(flow),
        )  # fmt: skip

    def find_facts(self, flow: ActualsFlow) -> frozenset[str] | None:
        """What the flow's rules may ask about a line; None where a source does not say.

        Flows may share a file of rules: what the source of one of them knows, the file may name.
        """
        sharing = [
            other
            for other in self.project.flows.values()
            if isinstance(other, ActualsFlow) and other.mapping == flow.mapping
        ]
        sources = {flow.source, *(other.source for other in sharing)}
        found = (self.project.connections.get(name) for name in sources)
        named: list[frozenset[str]] = [getattr(one, "segments", frozenset()) for one in found]
        return LINE_FACTS.union(*named) if all(named) else None

    def find_rules_text(self, flow: ActualsFlow) -> str:
        """The text of the rules in force."""
        return self.rulebook(flow.name).find_kept_text() or self.project.read_text(flow.mapping)

    def find_rules(self, flow_name: str) -> "RulesInForce":
        """The rules in force, who keeps them, and where the file differs.

        Raises:
            MappingFaultsError: The file decides, and holds faults; all of them.
        """
        return self.rulebook(flow_name).load()

    def mapping(self, flow: ActualsFlow) -> "MappingSet":
        """The flow's rules in force."""
        return self.find_rules(flow.name).mapping

    def find_rules_of(self, flow_name: str, which: str) -> "MappingSet":
        """The rules of a version by its number, of the project's `file`, or in force when empty.

        Raises:
            UsageError: There is no such version, or the file holds faults.
        """
        book = self.rulebook(flow_name)
        if not which:
            return book.load().mapping
        if which == FILE:
            return self._parse_rules(self.project.resolve(book.flow.mapping))
        if not which.isdecimal() or len(which) > DIGITS_MAX:
            raise UsageError(
                f"{which[:SHOWN_MAX]!r} is no version of the rules of {flow_name}.",
                written="Nothing was changed.",
                next_step=f"Name one by its number, or `{FILE}`:"
                f" `ml-connector mappings history {flow_name}`.",
                flow=flow_name,
            )
        return book.load_version(int(which))[1]

    def _parse_rules(self, path: Path, *, flow_name: str = "") -> "MappingSet":
        from ml_connector.domain.mapping_file import ANY_WORDS  # noqa: PLC0415 - start-up time.
        from ml_connector.flows.answers.rule_files import read_rules  # noqa: PLC0415 - as above.

        words = self.rulebook(flow_name).words if flow_name else ANY_WORDS
        try:
            content = path.read_bytes()
        except OSError as error:
            raise UsageError(
                f"The mapping file {path} cannot be read: {error}.",
                written="Nothing was changed.",
                next_step="Give the path of a CSV file in UTF-8, or of a workbook.",
                file=str(path),
            ) from error
        return read_rules(content, origin=str(path), words=words)

    def read_rules(self, flow_name: str, name: str, content: bytes) -> "MappingSet":
        """The rules of a file somebody sends for the flow, CSV text or workbook.

        Raises:
            MappingFaultsError: All faults of the file, each with its row.
            UnfitWorkbookError: It cannot be read at all.
        """
        from ml_connector.flows.answers.rule_files import read_rules  # noqa: PLC0415 - start-up.

        return read_rules(content, origin=name, words=self.rulebook(flow_name).words)

    def explain_mapping(
        self, flow_name: str, facts: Mapping[str, str], on: date
    ) -> tuple["Explanation", ...]:
        """How each mapped dimension of the flow is decided for these facts."""
        from ml_connector.domain.mapping import Mapper  # noqa: PLC0415 - start-up time.

        mapped = list_mapped(self.actuals_flow(flow_name))
        return Mapper(self.find_rules(flow_name).mapping, mapped).explain(facts, on)

    def cover(
        self, flow_name: str, members: Sequence[str] | None
    ) -> tuple[list["CoverageRow"], list["UnmappedRow"]]:
        """Where archived lines go by the rules; every archived period unless some are named."""
        from ml_connector.flows.placing.coverage import cover_archived  # noqa: PLC0415 - start-up.

        flow = self.actuals_flow(flow_name)
        return cover_archived(self.actuals_bench(flow), members)

    def find_reach(self, flow_name: str, member: str = "") -> "Reach":
        """What the rules reached when the planning period, or every one, was last placed."""
        from ml_connector.flows.placing.reach import load_reach  # noqa: PLC0415 - start-up time.

        name = self.actuals_flow(flow_name).name
        return load_reach(self.records, self.archive, name, member)

    def find_rules_at(self, flow_name: str, where: str) -> "MappingSet":
        """The rules of a version by its number, of the project's `file`, or of another file.

        Raises:
            UsageError: There is no such version, or the file holds faults.
        """
        if where == FILE or where.isdecimal():
            return self.find_rules_of(flow_name, where)
        return self._parse_rules(Path(where))

    def compare_rules(self, before: "MappingSet", after: "MappingSet") -> "MappingDiff":
        """What differs between two sets of rules."""
        from ml_connector.domain.mapping_rules import diff_mappings  # noqa: PLC0415 - start-up.

        return diff_mappings(before, after)

    def weigh_rules(self, flow_name: str, before: "MappingSet", after: "MappingSet") -> "Weighed":
        """The amounts a change of rules would move, from the archive's current revisions."""
        from ml_connector.flows.placing.moving import weigh_change  # noqa: PLC0415 - start-up.

        return weigh_change(self.actuals_bench(self.actuals_flow(flow_name)), before, after)

    def render_rules(self, flow_name: str, which: str = "") -> str:
        """The flow's rules as CSV."""
        from ml_connector.domain.mapping_rules import render_mapping  # noqa: PLC0415 - start-up.

        return render_mapping(self.find_rules_of(flow_name, which))

    def render_rules_workbook(self, flow_name: str, which: str = "") -> bytes:
        """The flow's rules as a workbook."""
        from ml_connector.flows.answers.rule_files import render_workbook  # noqa: PLC0415 - same.

        return render_workbook(self.find_rules_of(flow_name, which))

    def take_rules(self, flow_name: str, *, comment: str = "") -> "RuleVersion":
        """The records keep the rules from now on, beginning with those of the file."""
        return self.rulebook(flow_name).take(comment=comment)

    def give_rules_back(
        self, flow_name: str, *, comment: str = "", based_on: int | None = None
    ) -> "RuleVersion":
        """The project's file decides again; unless somebody saved after version `based_on`."""
        return self.rulebook(flow_name).give_back(comment=comment, based_on=based_on)

    def restore_rules(
        self, flow_name: str, number: int, *, comment: str = "", based_on: int | None = None
    ) -> "RuleVersion":
        """The rules are those of an earlier version again, as a new one.

        Unless somebody saved after version `based_on`.
        """
        return self.rulebook(flow_name).restore(number, comment=comment, based_on=based_on)

    def save_rules(
        self, flow_name: str, rules: "MappingSet", *, based_on: int, comment: str,
        deed: Deed = Deed.SAVED,
    ) -> "RuleVersion":  # fmt: skip
        """The rules the records keep are these.

        Raises:
            NotKeptError: The project's file decides.
            RulesConflictError: Somebody saved meanwhile; holds both changes.
            MappingFaultsError: The rules contradict each other.
        """
        return self.rulebook(flow_name).save(rules, based_on=based_on, comment=comment, deed=deed)

    def change_rule(
        self, flow_name: str, cells: Mapping[str, str] | None, *, place: int | None, based_on: int,
        comment: str = "",
    ) -> "RuleVersion":  # fmt: skip
        """The rules hold one rule more, another one, or one less.

        Args:
            flow_name: Whose rules.
            cells: The rule, by column; None takes the one at `place` away.
            place: Of the rule that is changed, counted from 0 in file order; None adds one.
            based_on: The version the change was begun from.
            comment: Why.

        Raises:
            MappingFaultsError: All faults of the rule; the others stay as they are.
            RulesConflictError: Somebody saved meanwhile; holds both changes.
        """
        from ml_connector.flows.placing.rule_edits import edit_rules  # noqa: PLC0415 - start-up.

        book = self.rulebook(flow_name)
        held = book.load_version(based_on)[1] if based_on else book.load().mapping
        changed = edit_rules(held, cells, place=place, words=book.words)
        return book.save(changed, based_on=based_on, comment=comment)

    def replace_rules(self, flow_name: str, file: Path) -> tuple[str, int]:
        """The flow's rules are those of the file; returns where they are and how many.

        Raises:
            MappingFaultsError: All faults of the new rules; the old ones stay.
        """
        held = self.rulebook(flow_name).find_in_force()
        rules = self._parse_rules(file, flow_name=flow_name)
        where = self._save(flow_name, held, rules, comment=f"From {file.name}.")
        return where, len(rules.rules)

    def add_rule(self, flow_name: str, *, dimension: str, when: str, target: str, note: str) -> str:
        """The flow's rules hold one rule more; returns where.

        Raises:
            MappingFaultsError: The rule is faulty or contradicts another; the rules stay.
        """
        from ml_connector.flows.placing.rule_edits import edit_rules  # noqa: PLC0415 - start-up.

        held = self.find_rules(flow_name)
        cells = {"dimension": dimension, "when": when, "target": target, "note": note}
        words = self.rulebook(flow_name).words
        changed = edit_rules(held.mapping, cells, place=None, words=words)
        return self._save(flow_name, held, changed, comment=note, deed=Deed.SAVED)

    def _save(
        self, flow_name: str, held: "RulesInForce | None", rules: "MappingSet", *, comment: str,
        deed: Deed = Deed.IMPORTED,
    ) -> str:  # fmt: skip
        """The rules are in force: in the records where those keep them, else in the file."""
        if held is not None and held.is_kept:
            saved = self.save_rules(
                flow_name, rules, based_on=held.number, comment=comment, deed=deed
            )
            return f"version {saved.number} of {flow_name}"
        return str(self._write_file(self.actuals_flow(flow_name), held, rules))

    def _write_file(
        self, flow: ActualsFlow, held: "RulesInForce | None", rules: "MappingSet"
    ) -> Path:
        """The project's file holds the rules, if nobody changed it or took them over meanwhile."""
        from ml_connector.domain.mapping_rules import render_mapping  # noqa: PLC0415 - start-up.

        path = self.project.resolve(flow.mapping)
        beside = path.with_suffix(".new")
        # One at a time, and looked at once more: a rule that another adds now would be lost.
        with self.records.transactions.begin(f"the rules of {flow.name}"):
            self.rulebook(flow.name).verify_unmoved(held)
            self.records.audit.record(
                "mapping.saved", subject=flow.name, actor=self.actor, hash=rules.content_hash
            )
            beside.write_text(render_mapping(rules), encoding="utf-8")
            beside.replace(path)
        return path


def list_mapped(flow: ActualsFlow) -> list[str]:
    """The dimensions the flow's rules decide, in its order."""
    return [d.name for d in flow.dimensions if d.source == "mapping"]
