"""Forms that are sent in vain: nobody loses what they wrote without a word."""

from typing import Any

import pytest

TYPED = "As agreed with the cost centres,\nline by line."
SHOWN = "As agreed with the cost centres,<br>line by line."


def test_what_was_written_is_shown_when_the_session_has_ended_meanwhile(site: Any) -> None:
    """The way back through the sign-in would lead to an address that shows nothing."""
    person = site.visitor("approver")
    person.get("/plans/")
    person.post("/sign-out/", {})
    person.get("/sign-in/")

    sent = person.post("/plans/0000/approve/", {"reason": TYPED, "password": "not shown"})

    assert sent.status == 403
    assert "The session has ended" in sent.text
    assert SHOWN in sent.text
    assert "not shown" not in sent.text


def test_what_was_written_is_shown_when_the_form_is_of_an_earlier_session(site: Any) -> None:
    """Whoever signs in anew in another tab sends a form whose token has changed."""
    sent = site.member("approver").post("/plans/0000/approve/", {"reason": TYPED}, is_ours=False)

    assert sent.status == 403
    assert "out of date" in sent.text
    assert SHOWN in sent.text


def test_what_was_written_is_shown_when_the_role_was_taken_away(site: Any) -> None:
    """Between the page and the click an admin may have changed what one may do."""
    sent = site.member("viewer").post("/plans/0000/reject/", {"reason": TYPED})

    assert sent.status == 403
    assert "Not for your roles" in sent.text
    assert SHOWN in sent.text


@pytest.mark.parametrize("where", ["/plans/0000/approve/", "/runs/0000/retry/", "/tokens/add/"])
def test_an_address_that_takes_a_form_says_so_to_whoever_opens_it(site: Any, where: str) -> None:
    """A reloaded page of a refused form is no blank one."""
    opened = site.member("chief").get(where)

    assert opened.status == 405
    assert "takes a form" in opened.text


def test_a_character_that_no_database_keeps_is_refused_wherever_it_stands(site: Any) -> None:
    """In an address, in a filter and in a form; never a fault of ours."""
    chief = site.member("chief")
    answers = [
        chief.get("/flows/%00/"), chief.get("/runs/?flow=a%00b"), chief.get("/runs/?%00=a"),
        chief.post("/people/add/", {"name": "a\0b", "display_name": "Kept"}),
    ]  # fmt: skip
    for answer in answers:
        assert answer.status == 400
        assert "U+0000" in answer.text
    assert "Kept" in answers[-1].text


def test_nothing_of_a_long_text_is_cut_off_without_a_word(site: Any) -> None:
    """A list of accounts is kept whole, however long; a comment is refused beside what it was."""
    mapper, place = site.member("mapper"), "/mapping/actuals-fusion/"
    values = [str(number) for number in range(10_000, 11_500)]
    rule = {
        "dimension": "account", "when": f"account={'|'.join(values)}", "target": "68020",
        "what": "save", "comment": "c" * 501,
    }  # fmt: skip
    assert mapper.post(f"{place}keep/", {"where": "records"}).status == 302
    with site.house() as house:
        rule["based_on"] = str(house.find_rules("actuals-fusion").number)

    refused = mapper.post(f"{place}rule/", rule)
    taken = mapper.post(f"{place}rule/", {**rule, "comment": "All of them."})

    assert refused.status == 422
    assert "The comment has 501 characters; 500 is the most." in refused.text
    assert values[-1] in refused.text
    assert taken.status == 302
    with site.house() as house:
        kept = house.find_rules("actuals-fusion").mapping.rules[-1]
    assert kept.conditions[0].pattern.values == tuple(values)
    assert mapper.post(f"{place}keep/", {"where": "file"}).status == 302


def test_a_request_larger_than_a_page_takes_is_told_so(site: Any) -> None:
    """In words, on a page of ours; neither a bare line nor a connection that is cut."""
    mapper = site.member("mapper")

    many = mapper.post("/mapping/actuals-fusion/rule/", {"comment": "c" * 3_000_000})
    called = mapper.call("POST", "/mapping/actuals-fusion/import", {"reason": "c" * 12_000_000})

    assert many.status == 400
    assert "More than a page takes" in many.text
    assert "Nothing was changed" in many.text
    assert called.status == 413
    assert "Nothing was done" in called.text


def test_a_name_that_is_not_ours_is_told_so(site: Any) -> None:
    """Whoever opens the pages by another name of the machine learns which to use."""
    shown = site.visitor("viewer").get("/", Host="ledger.elsewhere.example")
    called = site.visitor("viewer").get("/api/v1/runs", Host="ledger.elsewhere.example")

    assert shown.status == called.status == 400
    assert "No pages under this name" in shown.text
    assert "pages.url" in called.text
