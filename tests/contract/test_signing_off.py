"""Signing a period in the house: what hinders, who may, what a later run does to a signature."""

from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any, cast

import pytest
from tests.fakes.desk import make_flow

from ml_connector.errors import ConnectorError
from ml_connector.flows.answers import evidence
from ml_connector.flows.answers.evidence import gather_evidence
from ml_connector.flows.answers.evidence_page import render_page
from ml_connector.flows.answers.reconciliation import (
    Signature,
    list_named,
    list_obstacles,
    parse_stated,
)
from ml_connector.flows.targets import name_target
from ml_connector.ports import Clock, LoadRow, Person, PlanRow, Posting, Records, Role
from ml_connector.ports.standings import StageState, Standing, StandingAmounts
from ml_connector.wiring.signing_off import SigningOff

RUN, LATER, NEWEST = "261005-060000-aaaa", "261006-060000-bbbb", "261007-060000-cccc"
PLACE = ("actuals", "Sep-26")
NOUGHT = Decimal(0)


@dataclass
class Desk(SigningOff):
    """The signing half of a house."""

    records: Records
    clock: Clock
    actor: str
    project: Any = field(default_factory=lambda: SimpleNamespace(flows={}, connections={}))

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
    roles["ned"] = Role.APPROVER
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


def test_who_made_an_earlier_part_of_the_books_does_not_sign_them(desk: Desk) -> None:
    """Until somebody else has signed them; a signature that was taken back frees nobody."""
    move = timedelta(minutes=1)
    save(desk.records, stand(desk.clock, run_id=LATER, content_hash="c2"))
    desk.records.runs.create_run(run_id=NEWEST, flow="f", kind="actuals", actor="x", request={})
    newest = stand(desk.clock, run_id=NEWEST, content_hash="c3", at=desk.clock.now() + move)
    save(desk.records, newest)
    for actor in ("kim", "mia"):
        desk.actor = actor
        assert refusal(desk).code == "sign-offs.own-run"
    assert RUN in refused_of(desk, "kim")
    desk.clock.sleep(120)
    desk.actor = "lee"
    first = desk.sign_off(*PLACE, comment="agreed")
    desk.clock.sleep(60)
    save(desk.records, stand(desk.clock, run_id=NEWEST, content_hash="c4"))
    desk.withdraw_sign_off(first.sign_off_id, reason="late invoice")
    assert RUN in refused_of(desk, "kim")

    desk.actor = "lee"
    desk.sign_off(*PLACE, comment="agreed anew")
    desk.clock.sleep(60)
    save(desk.records, stand(desk.clock, run_id=NEWEST, content_hash="c5"))
    desk.actor = "kim"
    desk.sign_off(*PLACE, comment="what came since is not mine")


def test_who_loaded_a_part_of_the_books_and_did_not_prove_it_does_not_sign(desk: Desk) -> None:
    """A run that stopped before it could say how the period stands has written all the same."""
    desk.records.runs.create_run(run_id=NEWEST, flow="f", kind="actuals", actor="lee", request={})
    load_period(desk, NEWEST, "Sep 26")
    assert NEWEST in refused_of(desk, "lee")

    other = "261008-060000-dddd"
    desk.records.runs.create_run(run_id=other, flow="g", kind="actuals", actor="ned", request={})
    load_period(desk, other, "Aug 26")
    desk.actor = "ned"
    desk.sign_off(*PLACE, comment="My run was another period's.")


def test_who_posted_into_the_period_does_not_sign_it(desk: Desk) -> None:
    """A journal that was sent counts, also where its run never came to compare."""
    save(desk.records, stand(desk.clock, ledger="00001/BA", period="09-26"))
    desk.records.runs.create_run(run_id=NEWEST, flow="f", kind="budget", actor="lee", request={})
    desk.records.postings.make_posting(
        Posting(
            posting_key="AAAAAAA2", flow="actuals", run_id=NEWEST, plan_hash="p1",
            connection="jde", kind="journal", subject="00001/BA 09-26 1/1", generation=1,
            content_hash="c", totals={}, made_at=desk.clock.now(),
        )
    )  # fmt: skip
    desk.actor = "lee"
    with pytest.raises(ConnectorError, match=NEWEST):
        desk.sign_off("actuals", "09-26", ledger="00001/BA", comment="agreed")
    desk.actor = "ned"
    desk.sign_off("actuals", "09-26", ledger="00001/BA", comment="agreed")


def test_evidence_holds_every_run_that_wrote_and_counts_those_it_leaves_out(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also a run that loaded and stopped before it could say how the period stands."""
    desk.records.runs.create_run(run_id=NEWEST, flow="f", kind="actuals", actor="lee", request={})
    load_period(desk, NEWEST, "Sep 26")
    save(desk.records, stand(desk.clock, run_id=LATER, content_hash="c2"))
    standings = desk.records.standings.load_standings()

    whole = gather_evidence(desk.records, standings, organisation="Halden")
    monkeypatch.setattr(evidence, "RUNS_MAX", 1)
    monkeypatch.setattr(evidence, "FILES_MAX", 0)
    part = gather_evidence(desk.records, standings, organisation="Halden")

    assert whole.run_ids == [RUN, LATER, NEWEST]
    assert (whole.runs_before, part.run_ids, part.runs_before) == (0, [NEWEST], 2)
    assert part.left_out == ["2 earlier runs", "1 earlier files of the archive"]
    assert "Left out, for there are too many: 2 earlier runs." in render_page(part)


def load_period(desk: Desk, run_id: str, member: str) -> None:
    """The run has loaded a plan of the planning period, and said no more."""
    loads, now = desk.records.loads, desk.clock.now()
    loads.save_plan(
        PlanRow(
            plan_hash=run_id, run_id=run_id, flow="actuals", model_id="M1", mapping_hash="m",
            shadow_revision=0, periods=(member,), totals={}, created_at=now, state="made",
        )
    )  # fmt: skip
    load = LoadRow(
        load_id=run_id, run_id=run_id, flow="actuals", plan_hash=run_id, intent_id="i",
        task_id="t", outcome="done", chunks=1, cells_sent=1, cells_refused=0, result_hash="r",
        dump_hashes=(), created_at=now,
    )  # fmt: skip
    loads.record_load(load, [])


def refused_of(desk: Desk, actor: str) -> str:
    """What the person is told who tries to sign."""
    desk.actor = actor
    error = refusal(desk)
    assert error.code == "sign-offs.own-run"
    return error.refused


def test_flow_that_leads_to_another_model_voids_the_signature_and_says_why(desk: Desk) -> None:
    """From the moment the settings name it; nobody signs until a run has looked there."""
    flow = make_flow(name="actuals", target="model", module="Reporting")
    desk.project = SimpleNamespace(
        flows={"actuals": flow}, connections={"model": SimpleNamespace(model_id="M1")}
    )
    here, there = name_target(flow, "M1"), name_target(flow, "M2")
    save(desk.records, stand(desk.clock, target=here))
    desk.sign_off(*PLACE, comment="agreed")
    assert signature(desk).signature is Signature.HOLDS

    desk.project.connections["model"].model_id = "M2"

    one = signature(desk)
    assert one.signature is Signature.VOID
    assert f"for {here}; the flow has led to {there} since" in one.sentence
    assert f"it stands so in {here}; the flow leads to {there} now" in refusal(desk).refused

    desk.clock.sleep(60)
    save(desk.records, stand(desk.clock, target=there))
    assert there in signature(desk).sentence
    desk.sign_off(*PLACE, comment="agreed there too")
    assert signature(desk).signature is Signature.HOLDS


def test_proof_names_where_the_amounts_are_held(desk: Desk) -> None:
    """The same amounts in another model are proved by another hash; older standings name none."""
    plain = stand(desk.clock)
    proofs = {replace(plain, target=target).proof_hash for target in ("", "M1 A", "M2 A", "M1 B")}
    assert len(proofs) == 4
    save(desk.records, replace(plain, target="M1 A"))
    found = desk.records.standings.find_standing("actuals", "Halden US", "Sep-26")
    assert found is not None
    assert found.target == "M1 A"


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
