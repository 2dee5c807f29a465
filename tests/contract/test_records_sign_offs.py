"""Sign-offs: one person's word on exactly these books, kept for ever, taken back in the open."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction

from ml_connector.errors import BlockedError, ConnectorError, UsageError
from ml_connector.ports import RUN_RESUMED, Clock, Records, SignedScope, SignOff
from ml_connector.records import create_organisation, open_records

RUN = "261005-060000-aaaa"
SCOPE = SignedScope("actuals", "Halden US", "Sep-26")


@pytest.fixture
def made(records: Records) -> Records:
    """Kim started the run, Ada resumed it."""
    records.runs.create_run(run_id=RUN, flow="actuals", kind="actuals", actor="kim", request={})
    records.audit.record(RUN_RESUMED, subject="actuals", actor="ada", run_id=RUN)
    return records


def draft(clock: Clock, by: str = "lee", **named: Any) -> SignOff:
    """What somebody is about to sign."""
    return SignOff(
        **SCOPE._asdict(), proof_hash="p1", run_id=RUN, signed_by=by, signed_at=clock.now(),
        **{"comment": " Agreed with the bank. ", "stated": {"USD": {"unmapped": "10.00"}}, **named},
    )  # fmt: skip


def sign(records: Records, sign_off: SignOff, changed_at: Any = None) -> SignOff:
    """It is signed."""
    return records.sign_offs.record_sign_off(sign_off, changed_at=changed_at)


def test_signed_period_is_found_as_it_was_signed(made: Records, records_clock: Clock) -> None:
    """Who, what, why, when and the amounts named; of other periods nothing is said."""
    signed = sign(made, draft(records_clock))

    stored = made.sign_offs.find_sign_off(signed.sign_off_id)
    assert stored is not None
    assert (stored.scope, stored.number, stored.signed_by) == (SCOPE, 1, "lee")
    assert stored.comment == "Agreed with the bank."
    assert stored.stated == {"USD": {"unmapped": "10.00"}}
    assert made.sign_offs.find_newest([SCOPE, SCOPE._replace(period="Aug-26")]) == {SCOPE: stored}
    assert made.sign_offs.load_sign_offs(flow="other") == []
    assert made.sign_offs.load_sign_offs(ledger="Halden US", period="Sep-26") == [stored]


@pytest.mark.parametrize("by", ["kim", "KIM ", "ada"])
def test_who_made_or_resumed_the_run_does_not_sign(
    made: Records, records_clock: Clock, by: str
) -> None:
    """However the name is spelt."""
    with pytest.raises(BlockedError) as caught:
        sign(made, draft(records_clock, by))

    assert caught.value.code == "sign-offs.own-run"
    assert made.sign_offs.load_sign_offs() == []


def test_who_set_how_another_signs_in_does_not_sign_for_that_persons_run(
    made: Records, records_clock: Clock
) -> None:
    """Kim made the run and could sign in as Lee, until Lee has a password of their own."""
    made.audit.record("person.password", subject="lee", actor="kim")
    with pytest.raises(BlockedError, match="kim has set how lee signs in") as caught:
        sign(made, draft(records_clock))
    assert caught.value.code == "people.count-as-one"
    made.audit.record("person.password", subject="lee", actor="lee")
    sign(made, draft(records_clock))


@pytest.mark.parametrize(
    "faulty", [{"comment": " \n"}, {"signed_by": " "}, {"proof_hash": ""}, {"ledger": ""}]
)
def test_sign_off_without_a_person_a_comment_or_a_proof_is_refused(
    made: Records, records_clock: Clock, faulty: dict[str, Any]
) -> None:
    """Nothing half-said is stored."""
    with pytest.raises(UsageError) as caught:
        sign(made, replace(draft(records_clock), **faulty))

    assert caught.value.code == "sign-offs.unfit"
    assert made.sign_offs.load_sign_offs() == []


def test_same_books_are_signed_once_and_changed_books_anew(
    made: Records, records_clock: Any
) -> None:
    """A second signature on the same proof is refused; on another one it is number two."""
    first = sign(made, draft(records_clock))
    with pytest.raises(BlockedError) as caught:
        sign(made, draft(records_clock, "mia"))
    assert caught.value.code == "sign-offs.signed-already"
    records_clock.sleep(60)

    second = sign(made, replace(draft(records_clock, "mia"), proof_hash="p2"))

    assert (first.number, second.number) == (1, 2)
    assert made.sign_offs.find_newest([SCOPE])[SCOPE] == second
    assert made.sign_offs.load_sign_offs() == [second, first]


def test_books_that_changed_and_changed_back_need_another_signature(
    made: Records, records_clock: Any
) -> None:
    """In between they were books that nobody has signed."""
    first = sign(made, draft(records_clock))
    back_at = first.signed_at + timedelta(minutes=5)
    assert first.holds("p1", changed_at=first.signed_at)
    assert not first.holds("p1", changed_at=back_at)
    assert not first.holds("p2", changed_at=None)
    records_clock.sleep(600)

    second = sign(made, draft(records_clock, "mia"), changed_at=back_at)

    assert second.number == 2
    assert second.holds("p1", changed_at=back_at)


def test_withdrawn_sign_off_stays_to_be_seen_and_holds_no_more(
    made: Records, records_clock: Clock
) -> None:
    """Who and why stand beside it; the same books may then be signed again."""
    signed = sign(made, draft(records_clock))

    taken = made.sign_offs.withdraw_sign_off(signed.sign_off_id, actor="lee", reason=" too soon ")

    assert (taken.withdrawn_by, taken.reason) == ("lee", "too soon")
    assert not taken.holds("p1", changed_at=None)
    assert made.sign_offs.load_sign_offs() == [taken]
    assert sign(made, draft(records_clock)).number == 2


def test_withdrawal_that_makes_no_sense_is_refused(made: Records, records_clock: Clock) -> None:
    """Twice, of nothing, without a reason, or of one that was signed over."""
    store = made.sign_offs
    signed = sign(made, draft(records_clock))
    for named, code in (
        ({"reason": " "}, "sign-offs.unfit"),
        ({"actor": ""}, "sign-offs.unfit"),
        ({"sign_off_id": "nothing"}, "sign-offs.unknown"),
    ):
        asked = {"sign_off_id": signed.sign_off_id, "actor": "lee", "reason": "r", **named}
        with pytest.raises(ConnectorError) as caught:
            store.withdraw_sign_off(asked.pop("sign_off_id"), **asked)
        assert caught.value.code == code
    sign(made, replace(draft(records_clock), proof_hash="p2"))
    with pytest.raises(BlockedError) as caught:
        store.withdraw_sign_off(signed.sign_off_id, actor="lee", reason="r")
    assert caught.value.code == "sign-offs.signed-since"
    newest = store.find_newest([SCOPE])[SCOPE]
    store.withdraw_sign_off(newest.sign_off_id, actor="lee", reason="r")
    with pytest.raises(BlockedError) as caught:
        store.withdraw_sign_off(newest.sign_off_id, actor="lee", reason="r")
    assert caught.value.code == "sign-offs.withdrawn-already"


def test_database_refuses_to_change_or_remove_a_sign_off(
    made: Records, records_clock: Clock
) -> None:
    """Past the store too; nor is one put in another's place."""
    signed = sign(made, draft(records_clock))
    made.sign_offs.withdraw_sign_off(signed.sign_off_id, actor="lee", reason="r")
    before = made.sign_offs.load_sign_offs()
    statements = [
        "UPDATE records_signoff SET comment = 'x'",
        "DELETE FROM records_signoff",
        "UPDATE records_withdrawal SET reason = 'x'",
        "DELETE FROM records_withdrawal",
    ]
    if connection.vendor == "sqlite":
        signed_as = "sign_off_id, flow, ledger, period, number, proof_hash, run_id, signed_by,"
        signed_as += " comment, stated, signed_at, organisation_id"
        taken_as = "sign_off_id, actor, reason, at, organisation_id"
        statements += [
            f"INSERT OR REPLACE INTO {table} ({columns}) SELECT {columns} FROM {table}"
            for table, columns in (("records_signoff", signed_as), ("records_withdrawal", taken_as))
        ]
    else:
        statements += ["TRUNCATE records_signoff, records_withdrawal"]

    for statement in statements:
        with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)

    assert made.sign_offs.load_sign_offs() == before


def test_another_organisation_neither_sees_nor_withdraws_it(
    made: Records, records_clock: Clock
) -> None:
    """Its id is nothing there."""
    signed = sign(made, draft(records_clock))
    create_organisation("other")
    other = open_records("other", clock=records_clock)

    assert other.sign_offs.find_sign_off(signed.sign_off_id) is None
    assert other.sign_offs.find_newest([SCOPE]) == {}
    with pytest.raises(UsageError):
        other.sign_offs.withdraw_sign_off(signed.sign_off_id, actor="lee", reason="r")


SIGNING = """
from datetime import datetime, UTC
from ml_connector.errors import ConnectorError
from ml_connector.ports import SignOff
one = SignOff(flow="actuals", ledger="Halden US", period="Sep-26", proof_hash="p1",
              run_id="261005-060000-aaaa", signed_by=sys.argv[1], comment="c", stated={},
              signed_at=datetime.now(UTC))
print("ready", flush=True)
sys.stdin.readline()
try:
    open_records().sign_offs.record_sign_off(one, changed_at=None)
    print("signed")
except ConnectorError as error:
    print(error.code)
"""


@pytest.mark.long
def test_of_people_who_sign_at_the_same_instant_one_has_signed(
    made: Records, spawn: Callable[..., Any]
) -> None:
    """Four processes at once: one signature, and three that are told of it."""
    signing = [spawn(SIGNING, f"person{n}") for n in range(4)]
    for one in signing:
        assert one.stdout.readline().strip() == "ready"
    for one in signing:
        one.stdin.write("\n")
        one.stdin.flush()

    told = sorted(one.communicate(timeout=60)[0].strip() for one in signing)

    assert told == ["sign-offs.signed-already"] * 3 + ["signed"]
    assert len(made.sign_offs.load_sign_offs()) == 1
