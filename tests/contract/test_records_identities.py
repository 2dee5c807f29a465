"""Who is who: accounts, identities at providers, second factors, and makers under other names."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from ml_connector.errors import BlockedError, UsageError
from ml_connector.ports import Approval, ApprovalState, Clock, Person, Records, Role

ISSUER = "https://login.example"
Move = Callable[[float], None]


def add(records: Records, name: str, *, email: str = "") -> Person:
    """A person without a password."""
    return records.people.create_person(
        name, password=None, roles=[Role.APPROVER], display_name="", email=email
    )


def ask(records: Records, clock: Clock, maker: str, *, needed: int = 1) -> Approval:
    """A plan of that maker waits."""
    return records.approvals.request_approval(
        Approval(
            plan_hash=f"of {maker}", flow=f"budget {maker}", run_id="r1", maker=maker,
            needed=needed, amounts={}, totals={}, state=ApprovalState.WAITING,
            made_at=clock.now(), expires_at=clock.now() + timedelta(days=3),
        )
    )  # fmt: skip


def test_account_is_one_persons_until_it_is_freed(records: Records) -> None:
    """And bound anew to somebody else only after that."""
    add(records, "anna")
    add(records, "ben")
    records.identities.save_account("anna", "ah@desk")
    records.identities.save_account("anna", "anna@laptop")

    assert records.identities.find_account("ah@desk") == "anna"
    assert records.identities.load_accounts("anna") == ["ah@desk", "anna@laptop"]
    with pytest.raises(UsageError, match="bound to anna already"):
        records.identities.save_account("ben", "ah@desk")
    with pytest.raises(UsageError, match="nobody named 'nobody'"):
        records.identities.save_account("nobody", "x@desk")
    with pytest.raises(UsageError, match="bound to nobody"):
        records.identities.end_account("x@desk")

    assert records.identities.end_account("ah@desk") == "anna"
    assert records.identities.find_account("ah@desk") is None
    records.identities.save_account("ben", "ah@desk")
    assert records.identities.find_account("ah@desk") == "ben"


def test_name_cannot_be_mistaken_for_an_account_or_a_program(records: Records) -> None:
    """`user@host` and `agent:NAME` are no names of people."""
    for name in ("anna@desk", "agent:anna", "a/b", "Anna"):
        with pytest.raises(UsageError, match="cannot be kept so"):
            add(records, name)


@pytest.mark.parametrize("maker", ["ah@desk", "anna", "agent:close/anna", "agent:close/ah@desk"])
def test_maker_approves_under_none_of_their_names(
    records: Records, records_clock: Clock, maker: str
) -> None:
    """Neither as a person, nor by an account bound later or before, nor for their program."""
    add(records, "anna")
    add(records, "ben")
    plan = ask(records, records_clock, maker)
    records.identities.save_account("anna", "ah@desk")
    for actor in ("anna", "ah@desk", "AH@desk", "agent:close/anna", "agent:other/ah@desk"):
        with pytest.raises(BlockedError):
            records.approvals.decide(plan.plan_hash, actor=actor, approves=True, reason="mine")
    records.identities.end_account("ah@desk")
    with pytest.raises(BlockedError):
        records.approvals.decide(plan.plan_hash, actor="anna", approves=True, reason="mine")

    done = records.approvals.decide(plan.plan_hash, actor="ben", approves=True, reason="fits")
    assert done.state is ApprovalState.APPROVED


def test_one_person_is_not_two_of_the_people_a_plan_needs(
    records: Records, records_clock: Clock
) -> None:
    """Whoever approved as a person does not approve again by an account."""
    add(records, "anna")
    plan = ask(records, records_clock, "kim", needed=2)
    records.approvals.decide(plan.plan_hash, actor="ah@desk", approves=True, reason="fits")
    records.identities.save_account("anna", "ah@desk")

    with pytest.raises(BlockedError):
        records.approvals.decide(plan.plan_hash, actor="anna", approves=True, reason="again")
    done = records.approvals.decide(plan.plan_hash, actor="lee", approves=True, reason="fits")
    assert done.state is ApprovalState.APPROVED


SET, TAKEN, ADDED = "person.password", "person.factor-removed", "person.factor-added"


@pytest.mark.parametrize(
    ("deeds", "is_one"),
    [
        ([], False),
        ([(SET, "ben")], False),
        ([(SET, "ada")], True),
        ([(TAKEN, "ada")], True),
        ([(SET, "ada"), (SET, "ben")], False),
        ([(SET, "ada"), (TAKEN, "ada"), (ADDED, "ben")], True),
        ([(SET, "ada"), (TAKEN, "ada"), (ADDED, "ben"), (SET, "ben")], False),
        ([(SET, "ben"), (SET, "ada@desk")], True),
        ([(SET, "cem")], False),
    ],
)
def test_who_set_how_another_signs_in_counts_as_that_person(
    records: Records, records_clock: Clock, deeds: list[tuple[str, str]], *, is_one: bool
) -> None:
    """Until that person has set it anew; whichever of the two has made the plan."""
    for name in ("ada", "ben", "cem"):
        add(records, name)
    records.identities.save_account("ada", "ada@desk")
    for event, actor in deeds:
        records.audit.record(event, subject="ben", actor=actor)
    for maker, other in (("ada", "ben"), ("ben", "ada")):
        plan = ask(records, records_clock, maker)
        bar = records.approvals.find_bar(plan.plan_hash, actor=other)
        if not is_one:
            assert bar == ""
            continue
        assert "has set how ben signs in" in bar
        with pytest.raises(BlockedError) as refused:
            records.approvals.decide(plan.plan_hash, actor=other, approves=True, reason="")
        assert refused.value.code == "people.count-as-one"
        assert "Let ben sign in and change the password" in refused.value.next_step
    two = ask(records, records_clock, "dan", needed=2)
    records.approvals.decide(two.plan_hash, actor="ada", approves=True, reason="")
    assert bool(records.approvals.find_bar(two.plan_hash, actor="ben")) is is_one


def test_last_admin_stays(records: Records) -> None:
    """Else nobody could give roles any more: neither disabled nor stripped of the role."""
    people = records.people
    for name in ("anna", "ben"):
        people.create_person(name, password=None, roles=[Role.ADMIN], display_name="", email="")
    people.save_active("ben", is_active=False)

    with pytest.raises(UsageError, match="nobody would be an admin any more"):
        people.save_active("anna", is_active=False)
    with pytest.raises(UsageError, match="nobody would be an admin any more"):
        people.save_roles("anna", [Role.VIEWER])
    people.save_active("ben", is_active=True)
    assert people.save_roles("anna", [Role.VIEWER]).roles == {Role.VIEWER}


def test_subject_is_one_person_and_a_person_one_subject(records: Records) -> None:
    """At each issuer; a subject elsewhere is another one."""
    add(records, "anna", email="Anna@Halden.example")
    add(records, "ben")
    records.identities.save_identity("anna", issuer=ISSUER, subject="s1")

    assert records.identities.find_identity(issuer=ISSUER, subject="s1") == "anna"
    assert records.identities.find_identity(issuer="https://other.example", subject="s1") is None
    for name, subject in (("ben", "s1"), ("anna", "s2")):
        with pytest.raises(UsageError, match="bound to another"):
            records.identities.save_identity(name, issuer=ISSUER, subject=subject)
    assert [row.subject for row in records.identities.load_identities("anna")] == ["s1"]
    assert records.identities.end_identities("anna") == 1
    assert records.identities.find_identity(issuer=ISSUER, subject="s1") is None
    assert [one.name for one in records.people.find_by_email("anna@halden.EXAMPLE")] == ["anna"]
    assert records.people.find_by_email("") == []


def test_second_factor_counts_once_it_is_confirmed(records: Records) -> None:
    """Each code of it once, each recovery code once; a new one forgets both."""
    add(records, "anna")
    factors = records.factors
    with pytest.raises(UsageError, match="No second factor"):
        factors.confirm_factor("anna", [])
    factors.create_factor("anna")
    assert _find(records).second_factor_at is None

    assert factors.confirm_factor("anna", ["d1", "d2"]).codes_left == 2
    assert _find(records).second_factor_at is not None
    assert [factors.take_step("anna", step) for step in (7, 7, 6, 8)] == [True, False, False, True]
    assert [factors.take_digest("anna", one) for one in ("d1", "d1", "d3")] == [True, False, False]
    found = factors.find_factor("anna")
    assert found is not None
    assert replace(found, codes_left=0) != found
    assert found.codes_left == 1
    assert factors.save_digests("anna", ["d4"]).codes_left == 1
    assert not factors.take_digest("anna", "d2")

    factors.create_factor("anna")
    assert not factors.take_digest("anna", "d4")
    assert _find(records).second_factor_at is None
    assert factors.delete_factor("anna")
    assert not factors.delete_factor("anna")
    assert not factors.take_step("anna", 99)


def _find(records: Records) -> Person:
    found = records.people.find_person("anna")
    assert found is not None
    return found
