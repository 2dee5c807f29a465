"""Signing a period in the house: what hinders, who may, what a later run does to a signature."""

from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any, cast

import pytest

from ml_connector.errors import ConnectorError
from ml_connector.flows.answers.reconciliation import (
    Signature,
    list_named,
    list_obstacles,
    parse_stated,
)
from ml_connector.ports import Clock, Person, Records, Role
from ml_connector.ports.standings import StageState, Standing, StandingAmounts
from ml_connector.wiring.signing_off import SigningOff

RUN, LATER = "261005-060000-aaaa", "261006-060000-bbbb"
PLACE = ("actuals", "Sep-26")
NOUGHT = Decimal(0)


@dataclass
class Desk(SigningOff):
    """The signing half of a house."""

    records: Records
    clock: Clock
    actor: str

    def flow(self, name: str) -> Any:
        """Any flow there might be."""
        return SimpleNamespace(name=name)


def amounts(currency: str = "USD", **named: str) -> StandingAmounts:
    """A bridge that closes, but for what is named."""
    its = {name: Decimal(text) for name, text in named.items()}
    fields = ("erp", "debit", "archived", "unmapped", "suspense", "refused", "unsent", "held",
              "unexplained")  # fmt: skip
    return StandingAmounts(
        currency=currency, lines=3, excluded=(("IC", Decimal(5)),),
        **{name: its.get(name, NOUGHT) for name in fields},
    )  # fmt: skip


def stand(clock: Clock, **named: Any) -> Standing:
    """A period that ties out, but for what is named."""
    done = StageState.DONE
    its: dict[str, Any] = {
        "flow": "actuals", "ledger": "Halden US", "period": "Sep-26", "member": "Sep 26",
        "date_first": date(2026, 9, 1), "date_last": date(2026, 9, 30), "status": "open",
        "read": done, "mapped": done, "loaded": done, "tied": done, "amounts": (amounts(),),
        "content_hash": "c1", "report": "r1", "run_id": RUN, "at": clock.now(),
    }  # fmt: skip
    return Standing(**{**its, **named})


@pytest.fixture
def desk(records: Records, records_clock: Clock) -> Desk:
    """Kim has made the run, Lee is an approver, Ada an admin, Vic a viewer."""
    roles = {"kim": Role.APPROVER, "lee": Role.APPROVER, "mia": Role.APPROVER,
             "ada": Role.ADMIN, "vic": Role.VIEWER}  # fmt: skip
    people = {
        name: Person(name=name, roles=frozenset({role}), joined_at=records_clock.now())
        for name, role in roles.items()
    }
    records = replace(records, people=cast("Any", SimpleNamespace(find_person=people.get)))
    for run_id, actor in ((RUN, "kim"), (LATER, "mia")):
        records.runs.create_run(
            run_id=run_id, flow=f"flow {run_id}", kind="actuals", actor=actor, request={}
        )
    save(records, stand(records_clock))
    return Desk(records=records, clock=records_clock, actor="lee")


def save(records: Records, *standings: Standing) -> None:
    """The standings are those of the newest run."""
    records.standings.save_standings("actuals", standings, members=["Sep 26"])


def refusal(desk: Desk, **named: Any) -> ConnectorError:
    """Why it was not signed; nothing is stored then."""
    before = desk.records.sign_offs.load_sign_offs()
    with pytest.raises(ConnectorError) as caught:
        desk.sign_off(*PLACE, **{"comment": "agreed", **named})
    assert desk.records.sign_offs.load_sign_offs() == before
    return caught.value


def signature(desk: Desk) -> Any:
    """How the period is signed as everybody sees it."""
    (one,) = [row for row in desk.list_signed(flow="actuals") if row.standing.period == "Sep-26"]
    return one


def test_signature_states_the_named_amounts_and_stands_in_the_chain(desk: Desk) -> None:
    """Unmapped and refused hinder nobody, but whoever signs says them aloud."""
    row = amounts(erp="100", held="65", unmapped="20.10", refused="9.90")
    save(desk.records, stand(desk.clock, amounts=(row,), mapped=StageState.PARTLY,
                             loaded=StageState.PARTLY))  # fmt: skip

    signed = desk.sign_off(*PLACE, comment="Agreed with the bank.")

    assert list_named(parse_stated(signed.stated)) == [
        "20.10 USD unmapped", "9.90 USD refused", "5.00 USD excluded as IC",
    ]  # fmt: skip
    (link,) = desk.records.audit.find(signed.sign_off_id)
    assert (link.event, link.actor) == ("period.signed", "lee")
    assert link.details["named"] == list_named([row])
    assert link.details["proof"] == signed.proof_hash
    one = signature(desk)
    assert one.signature is Signature.HOLDS
    assert one.sentence == "Signed by lee on 2026-10-05 06:00 UTC."


@pytest.mark.parametrize(
    ("faulty", "finding"),
    [
        ({"amounts": (amounts(unexplained="0.01"),)}, "0.01 USD is unexplained"),
        ({"amounts": (amounts(unsent="-7"),)}, "-7.00 USD is planned and was not sent"),
        ({"read": StageState.MOVING, "tied": StageState.MOVING}, "posted into while it was read"),
        ({"read": StageState.WRONG}, "what was read is not what the ERP says"),
        ({"loaded": StageState.NOT_YET}, "the model was not told of it yet"),
        ({"tied": StageState.NOT_YET}, "was not tied out yet"),
        ({"tied": StageState.WRONG}, "does not tie out at every hop"),
    ],
)
def test_period_that_is_not_reconciled_is_not_signed(
    desk: Desk, faulty: dict[str, Any], finding: str
) -> None:
    """The house refuses, whatever page or command asks; it names what hinders."""
    save(desk.records, stand(desk.clock, **faulty))

    error = refusal(desk)

    assert error.code == "sign-offs.not-reconciled"
    assert finding in error.refused


def test_owed_period_is_not_signed_and_a_late_entry_voids_a_signature(desk: Desk) -> None:
    """From the moment the entry is read, before any run has dealt with it."""
    desk.sign_off(*PLACE, comment="agreed")
    desk.records.batches.record_touched("actuals", [("Halden US", "Sep-26")])

    error = refusal(desk)

    assert error.code == "sign-offs.not-reconciled"
    assert "read or mapped anew" in error.refused
    assert signature(desk).signature is Signature.VOID


def test_amount_in_cells_of_no_single_ledger_hinders_every_ledger_of_the_period(
    desk: Desk,
) -> None:
    """Nobody can say whose it is, so nobody signs; nor are such cells signed themselves."""
    nobodys = stand(
        desk.clock, ledger="(several)", period="Sep 26", amounts=(amounts(unexplained="3"),)
    )
    save(desk.records, stand(desk.clock), nobodys)

    error = refusal(desk)

    assert "3.00 USD of Sep 26 is unexplained in cells of no single ledger" in error.refused
    assert "nobody can stand for them" in list_obstacles(replace(nobodys, amounts=()))[0]


def test_who_made_the_books_what_they_are_does_not_sign_them(desk: Desk) -> None:
    """Also where somebody else's run has looked at them since and found the same."""
    desk.actor = "kim"
    assert refusal(desk).code == "sign-offs.own-run"
    save(desk.records, stand(desk.clock, run_id=LATER))
    assert refusal(desk).code == "sign-offs.own-run"
    desk.actor = "mia"
    assert refusal(desk).code == "sign-offs.own-run"
    desk.actor = "lee"
    desk.sign_off(*PLACE, comment="agreed")


@pytest.mark.parametrize("actor", ["vic", "ada", "agent:close/lee", "nobody"])
def test_only_who_decides_signs(desk: Desk, actor: str) -> None:
    """No viewer, no admin as such, no program, nobody unknown; an account of the machine may."""
    desk.actor = actor
    assert refusal(desk).code == "sign-offs.not-allowed"

    desk.actor = "closing@host"
    assert desk.sign_off(*PLACE, comment="agreed").signed_by == "closing@host"


def test_signature_is_for_what_was_looked_at(desk: Desk, records_clock: Any) -> None:
    """Books that changed between page and button are not signed."""
    seen = desk.find_standing("actuals", "Sep-26").proof_hash
    records_clock.sleep(60)
    save(desk.records, stand(desk.clock, content_hash="c2"))

    error = refusal(desk, proof_hash=seen)

    assert error.code == "sign-offs.changed-meanwhile"
    now = desk.find_standing("actuals", "Sep-26").proof_hash
    assert desk.sign_off(*PLACE, comment="agreed", proof_hash=now).proof_hash == now


def test_run_that_changes_the_period_voids_the_signature_in_the_open(
    desk: Desk, records_clock: Any
) -> None:
    """One that finds the same changes nothing; one that changes back brings nothing back."""
    desk.sign_off(*PLACE, comment="agreed")
    records_clock.sleep(60)
    save(desk.records, stand(desk.clock))
    assert signature(desk).signature is Signature.HOLDS

    records_clock.sleep(60)
    save(desk.records, stand(desk.clock, content_hash="c2"))
    assert signature(desk).signature is Signature.VOID
    assert "books changed since" in signature(desk).sentence

    records_clock.sleep(60)
    save(desk.records, stand(desk.clock))
    assert signature(desk).signature is Signature.VOID
    assert desk.sign_off(*PLACE, comment="again").number == 2


def test_signature_is_withdrawn_by_who_gave_it_or_an_admin(desk: Desk) -> None:
    """Nobody else; the chain says who and why, and the period may be signed anew."""
    first = desk.sign_off(*PLACE, comment="agreed")
    for actor in ("mia", "vic", "agent:close/lee", "closing@host"):
        desk.actor = actor
        with pytest.raises(ConnectorError) as caught:
            desk.withdraw_sign_off(first.sign_off_id, reason="late")
        assert caught.value.code == "sign-offs.not-allowed", actor
    desk.actor = "ada"

    desk.withdraw_sign_off(first.sign_off_id, reason="late invoice")

    one = signature(desk)
    assert one.signature is Signature.WITHDRAWN
    assert "withdrawn by ada" in one.sentence
    assert one.sentence.endswith(": late invoice")
    link = desk.records.audit.find(first.sign_off_id)[-1]
    assert (link.event, link.actor) == ("period.sign-off-withdrawn", "ada")
    desk.actor = "lee"
    second = desk.sign_off(*PLACE, comment="agreed now")
    desk.withdraw_sign_off(second.sign_off_id, reason="own mistake")
    with pytest.raises(ConnectorError) as caught:
        desk.withdraw_sign_off("nothing", reason="r")
    assert caught.value.code == "sign-offs.unknown"


def test_ledger_is_named_where_several_have_the_period(desk: Desk) -> None:
    """Or the refusal names them; a period nobody has looked at is no period to sign."""
    other = stand(desk.clock, ledger="Halden DE")
    save(desk.records, stand(desk.clock), other)

    error = refusal(desk)
    assert error.code == "sign-offs.no-standing"
    assert "Halden DE, Halden US" in error.refused
    assert refusal(desk, ledger="Halden FR").code == "sign-offs.no-standing"
    assert desk.sign_off(*PLACE, ledger="Halden DE", comment="agreed").ledger == "Halden DE"


def test_older_books_stay_unsigned_when_the_clock_of_a_run_is_ahead(desk: Desk) -> None:
    """A signature from before the books came to be so never holds for them."""
    ahead = stand(desk.clock, at=desk.clock.now() + timedelta(minutes=5), content_hash="c3")
    save(desk.records, ahead)

    desk.sign_off(*PLACE, comment="agreed")

    assert signature(desk).signature is Signature.VOID
