"""Sign-offs: a person stands for a period, and everybody sees when the books have changed since."""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import TYPE_CHECKING

from ml_connector.domain.texts import verify_length
from ml_connector.errors import AccessDeniedError, BlockedError, BusyError, UsageError
from ml_connector.ports import Right, SignOff
from ml_connector.ports.identities import AGENT
from ml_connector.ports.standings import ELSEWHERE, Standing
from ml_connector.settings import BudgetFlow
from ml_connector.wiring.parts import Part

if TYPE_CHECKING:
    from ml_connector.flows.answers.reconciliation import SignedStanding

NOT_SIGNED = "Nothing was signed."
LEDGERS_NAMED_MAX = 10
COMMENT_CHARACTERS_MAX = 2_000
"""Of a comment or a reason, which stand in the audit chain for good."""


class NoStandingError(UsageError):
    """No run has ever looked at the period of the ledger."""

    code = "sign-offs.no-standing"


class NotReconciledError(BlockedError):
    """A period is not to be signed: something is unexplained, moving or owed."""

    code = "sign-offs.not-reconciled"


class ChangedMeanwhileError(BusyError):
    """The books changed between the look of who signs and the signature."""

    code = "sign-offs.changed-meanwhile"


class MayNotSignError(AccessDeniedError):
    """The person has no right to sign a period, or to take this signature back."""

    code = "sign-offs.not-allowed"


class SigningOff(Part):
    """The house's signatures; the house itself supplies records and flows."""

    def find_standing(self, flow_name: str, period: str, *, ledger: str = "") -> Standing:
        """How the period stands; the ledger may be left out where one alone has the period.

        Raises:
            NoStandingError: No run has looked at it, or several ledgers have it; names them.
        """
        if ledger:
            found = self.records.standings.find_standing(flow_name, ledger, period)
            return found or self._refuse_place(flow_name, period, ledger, ())
        its = [
            one for one in self.records.standings.load_standings(flows=[flow_name])
            if one.period == period and one.ledger not in ELSEWHERE
        ]  # fmt: skip
        if len(its) == 1:
            return its[0]
        return self._refuse_place(flow_name, period, "", [one.ledger for one in its])

    def list_signed(
        self,
        *,
        flow: str | None = None,
        first: date | None = None,
        last: date | None = None,
    ) -> "list[SignedStanding]":
        """Every standing with the newest signature on it, by flow, ledger and date."""
        from ml_connector.flows.answers import reconciliation  # noqa: PLC0415 - start-up time.

        standings = self.records.standings.load_standings(
            flows=[flow] if flow else None, first=first, last=last
        )
        scopes = map(reconciliation.scope_of, standings)
        signed = self.records.sign_offs.find_newest(scopes)
        targets = self._list_targets({one.flow for one in standings})
        return reconciliation.join_sign_offs(standings, signed, targets)

    def list_signed_page(
        self,
        *,
        flow: str = "",
        first: date | None = None,
        last: date | None = None,
        after: tuple[str, str, str] | None = None,
        limit: int,
    ) -> "list[SignedStanding]":
        """The same by flow, ledger and period, behind one of them; all of them, page by page."""
        from ml_connector.flows.answers import reconciliation  # noqa: PLC0415 - start-up time.

        standings = self.records.standings.load_standing_page(
            flow=flow, first=first, last=last, after=after, limit=limit
        )
        signed = self.records.sign_offs.find_newest(map(reconciliation.scope_of, standings))
        targets = self._list_targets({one.flow for one in standings})
        return reconciliation.join_sign_offs(standings, signed, targets)

    def find_signed(self, sign_off: SignOff) -> "SignedStanding | None":
        """The signature's period with the signature that counts there now."""
        standing = self.records.standings.find_standing(*sign_off.scope)
        return self.find_signature(standing) if standing else None

    def find_signature(self, standing: Standing) -> "SignedStanding":
        """The standing with the newest signature on it."""
        from ml_connector.flows.answers import reconciliation  # noqa: PLC0415 - start-up time.

        signed = self.records.sign_offs.find_newest([reconciliation.scope_of(standing)])
        targets = self._list_targets([standing.flow])
        return reconciliation.join_sign_offs([standing], signed, targets)[0]

    def list_obstacles(self, standing: Standing) -> list[str]:
        """Why nobody may sign the period now; empty when somebody may."""
        from ml_connector.flows.answers import reconciliation  # noqa: PLC0415 - start-up time.

        find = self.records.standings.find_standing
        others = (find(standing.flow, word, standing.member) for word in ELSEWHERE)
        target = self._list_targets([standing.flow]).get(standing.flow, "")
        return reconciliation.list_obstacles(
            standing, [one for one in others if one], target=target
        )

    def sign_off(
        self, flow_name: str, period: str, *, ledger: str = "", comment: str, proof_hash: str = ""
    ) -> SignOff:
        """The period is signed as reconciled by whoever acts; bound to the books as they are.

        Args:
            flow_name: Of the period.
            period: By the ledger's own name.
            ledger: Or company; may be left out where one alone has the period.
            comment: Why it is reconciled, in the person's own words.
            proof_hash: Of the books the person has looked at; empty: whatever they are now.

        Raises:
            NotReconciledError: Something is unexplained, moving, owed or not sent; names it all.
            ChangedMeanwhileError: The books are not those that were looked at.
            MayNotSignError: The person may not decide.
            BlockedError: The person made the run, or the same books are signed already.
            UsageError: No comment is given, or too long a one.
        """
        from ml_connector.flows.answers import reconciliation  # noqa: PLC0415 - start-up time.

        comment = verify_length(comment, most=COMMENT_CHARACTERS_MAX, what="The comment")
        place = self.find_standing(flow_name, period, ledger=ledger)
        self._verify_may_sign()
        # One look and one write: runs that save what they found wait until this is stored.
        with self.records.transactions.begin(f"the sign-off of {period} of {place.ledger}"):
            standing = self.find_standing(flow_name, period, ledger=place.ledger)
            self._verify_signable(standing, seen=proof_hash)
            sign_off = self.records.sign_offs.record_sign_off(
                SignOff(
                    **reconciliation.scope_of(standing)._asdict(), comment=comment,
                    proof_hash=standing.proof_hash, run_id=standing.run_id, signed_by=self.actor,
                    stated=reconciliation.render_stated(standing), signed_at=self.clock.now(),
                ),
                changed_at=standing.changed_at,
            )  # fmt: skip
            named = reconciliation.list_stated(standing)
            self._tell_signature("period.signed", sign_off, comment=sign_off.comment, named=named)
        return sign_off

    def withdraw_sign_off(self, sign_off_id: str, *, reason: str) -> SignOff:
        """The signature is taken back by who gave it or by an admin; it stays to be seen.

        Raises:
            UsageError: No such sign-off, or no reason is given, or too long a one.
            MayNotSignError: Somebody else's, and the person is no admin.
            BlockedError: It was taken back before, or the period was signed anew since.
        """
        reason = verify_length(reason, most=COMMENT_CHARACTERS_MAX, what="The reason")
        found = self.records.sign_offs.find_sign_off(sign_off_id)
        if found is not None:
            self._verify_may_withdraw(found)
        with self.records.transactions.begin(f"the withdrawal of sign-off {sign_off_id}"):
            taken = self.records.sign_offs.withdraw_sign_off(
                sign_off_id, actor=self.actor, reason=reason
            )
            self._tell_signature("period.sign-off-withdrawn", taken, reason=taken.reason)
        return taken

    def may_withdraw(self, sign_off: SignOff) -> bool:
        """Whether whoever acts may take the signature back."""
        rights = self._find_rights()
        is_own = self.actor in self.records.identities.find_names([sign_off.signed_by])
        return Right.ADMINISTER in rights or (is_own and Right.DECIDE in rights)

    def _verify_may_sign(self) -> None:
        if Right.DECIDE not in self._find_rights():
            raise MayNotSignError(
                f"{self.actor} may not sign a period.",
                written=NOT_SIGNED,
                next_step="Let an approver sign, or let an admin give the role.",
                actor=self.actor,
            )

    def _find_rights(self) -> frozenset[Right]:
        """What whoever acts may do with signatures; a program never signs, whatever it may else.

        An account of this machine that is nobody's signs as itself: it holds the keys anyway.
        """
        name = self.records.identities.find_account(self.actor) or self.actor
        person = self.records.people.find_person(name)
        if person is not None:
            return person.rights
        is_account = "@" in self.actor and not self.actor.startswith(AGENT)
        return frozenset({Right.DECIDE}) if is_account else frozenset()

    def _verify_may_withdraw(self, found: SignOff) -> None:
        if not self.may_withdraw(found):
            raise MayNotSignError(
                f"{self.actor} may not take back what {found.signed_by} has signed.",
                written="The sign-off is as it was.",
                next_step=f"Let {found.signed_by} do it, or an admin on the period's page.",
                actor=self.actor, sign_off=found.sign_off_id,
            )  # fmt: skip

    def _verify_signable(self, standing: Standing, *, seen: str) -> None:
        if seen and seen != standing.proof_hash:
            raise ChangedMeanwhileError(
                f"{standing.period} of {standing.ledger} is not any more what you have looked at:"
                f" run {standing.run_id} has changed it.",
                written=NOT_SIGNED,
                next_step="Look at the period as it is now, then sign.",
                run_id=standing.run_id,
            )
        if obstacles := self.list_obstacles(standing):
            raise NotReconciledError(
                f"{standing.period} of {standing.ledger} cannot be signed: {'; '.join(obstacles)}.",
                written=NOT_SIGNED,
                next_step=f"Run the flow until the period ties out: `ml-connector run"
                f" {standing.flow}`.",
                flow=standing.flow, ledger=standing.ledger, period=standing.period,
            )  # fmt: skip

    def _list_targets(self, flows: Iterable[str]) -> dict[str, str]:
        """Where these flows lead by the settings of now; of one that is gone nothing is known."""
        from ml_connector.flows.targets import name_target  # noqa: PLC0415 - start-up time.

        found = {}
        for flow in (self.project.flows[one] for one in flows if one in self.project.flows):
            model = flow.source if isinstance(flow, BudgetFlow) else flow.target
            model_id = getattr(self.project.connections.get(model), "model_id", "")
            if model_id:
                found[flow.name] = name_target(flow, model_id)
        return found

    def _tell_signature(self, event: str, sign_off: SignOff, **details: object) -> None:
        self.records.audit.record(
            event, subject=f"{sign_off.flow} {sign_off.ledger} {sign_off.period}",
            actor=self.actor, run_id=sign_off.run_id, sign_off=sign_off.sign_off_id,
            proof=sign_off.proof_hash, **details,
        )  # fmt: skip

    def _refuse_place(
        self, flow_name: str, period: str, ledger: str, ledgers: Sequence[str]
    ) -> Standing:
        flow = self.flow(flow_name)
        if ledgers:
            finding = f"is of {len(ledgers)} ledgers: {', '.join(ledgers[:LEDGERS_NAMED_MAX])}"
            step = "Name one of them: `--ledger NAME`."
        else:
            finding = "was never looked at by a run"
            step = f"Let a run look at it: `ml-connector reconcile {flow.name} --period {period}`."
        of = f" of {ledger}" if ledger else ""
        raise NoStandingError(
            f"The period {period}{of} in flow {flow.name} {finding}.",
            written=NOT_SIGNED, next_step=step, flow=flow.name, period=period, ledger=ledger,
        )  # fmt: skip
