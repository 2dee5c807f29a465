"""Evidence packs: a period in one signed zip, and its verification without any project."""

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

from ml_connector.errors import UsageError
from ml_connector.ports import Json
from ml_connector.ports.standings import ELSEWHERE, Standing
from ml_connector.wiring.parts import Part

if TYPE_CHECKING:
    from ml_connector.flows.answers.evidence import Evidence
    from ml_connector.wiring.evidence_keys import Signer

KEY_SECRET = "evidence.signing-key"  # noqa: S105 - the name of one.


class NoEvidenceError(UsageError):
    """There is nothing to make an evidence pack of."""

    code = "evidence.nothing"


class EvidencePacks(Part):
    """The house's evidence; the house itself supplies records, archive and vault."""

    if TYPE_CHECKING:

        def find_standing(self, flow_name: str, period: str, *, ledger: str = "") -> Standing:
            """How the period stands."""

    def make_evidence(
        self, flow_name: str, period: str, *, ledger: str = ""
    ) -> tuple[str, Iterator[bytes]]:
        """A name for the pack of a period, and the bytes of its zip as they are made.

        The same books give the same bytes: signatures by this kind of key have no chance in them.

        Args:
            flow_name: Of the period.
            period: By the ledger's own name.
            ledger: Or company; empty: every one that has the period.

        Raises:
            NoEvidenceError: No run has looked at the period.
        """
        from ml_connector.flows.answers import evidence, evidence_zip  # noqa: PLC0415 - start-up.

        standings = self._list_standings(flow_name, period, ledger)
        found = evidence.gather_evidence(
            self.records, standings, organisation=self.project.settings.organisation
        )
        evidence.verify_reports(found, self.archive)
        about, chain = self._cut_chain(found)
        signer = self._load_signer()
        members = evidence.list_members(found, self.archive, chain)
        pack = evidence_zip.stream_pack(
            members, about=about, public_key=signer.public_pem, sign=signer.sign
        )
        parts = (flow_name, ledger, period)
        name = "-".join(evidence.ODD.sub("_", part) for part in parts if part)
        return f"evidence-{name}.zip", pack

    def show_evidence_key(self) -> tuple[str, str]:
        """The public key packs are signed with, as PEM, and its fingerprint."""
        signer = self._load_signer()
        return signer.public_pem.decode(), signer.fingerprint

    def _list_standings(self, flow_name: str, period: str, ledger: str) -> list[Standing]:
        if ledger:
            return [self.find_standing(flow_name, period, ledger=ledger)]
        found = [
            one for one in self.records.standings.load_standings(flows=[flow_name])
            if one.period == period and one.ledger not in ELSEWHERE
        ]  # fmt: skip
        if found:
            return found
        raise NoEvidenceError(
            f"No run of {flow_name} has looked at the period {period}.",
            written="Nothing was made.",
            next_step="List the periods there are: `ml-connector sign-offs list --periods`, or the"
            " page Reconciliation.",
            flow=flow_name, period=period,
        )  # fmt: skip

    def _cut_chain(self, found: "Evidence") -> tuple[Json, Any]:
        """What the manifest says of the chain's segment, and what yields its lines."""
        from ml_connector.records.chain import render_line  # noqa: PLC0415 - start-up time.

        about: Json = {
            "organisation": found.organisation, "flow": found.flow, "period": found.period,
            "ledgers": {one.ledger: one.proof_hash for one in found.standings}, "chain": None,
        }  # fmt: skip
        span = self.records.audit.find_span(found.run_ids)
        if span is None:
            return about, lambda: iter(())
        (start,) = self.records.audit.load_range(span[0], span[0])
        (end,) = self.records.audit.load_range(span[1], span[1])
        about["chain"] = {
            "first": span[0], "last": span[1], "hash_before": start.hash_before,
            "hash_after": end.hash_after,
        }  # fmt: skip
        return about, partial(self._render_chain, span, render_line)

    def _render_chain(self, span: tuple[int, int], render: Any) -> Iterator[str]:
        return map(render, self.records.audit.load_range(*span))

    def _load_signer(self) -> "Signer":
        """The installation's own key; made with the first pack, once for all processes."""
        from ml_connector.wiring.evidence_keys import (  # noqa: PLC0415 - start-up time.
            make_signer,
            parse_signer,
        )

        if KEY_SECRET not in {row.name for row in self.vault.list_secrets()}:
            with self.records.transactions.begin("the key of evidence packs"):
                if KEY_SECRET not in {row.name for row in self.vault.list_secrets()}:
                    signer = make_signer()
                    self.vault.save_secret(KEY_SECRET, signer.secret)
                    self.records.audit.record(
                        "evidence.key-made", subject=KEY_SECRET, actor=self.actor,
                        fingerprint=signer.fingerprint,
                    )  # fmt: skip
        return parse_signer(self.vault.read_secret(f"secret:{KEY_SECRET}"))
