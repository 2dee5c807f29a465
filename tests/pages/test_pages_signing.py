"""Signing in and out, and who no longer may."""

from typing import Any

from tests.pages.conftest import PASSWORD


def test_wrong_password_waits_after_five_tries_and_says_so(site: Any) -> None:
    """The right one waits too, as long as it comes from the same place."""
    with site.house() as house:
        house.add_person("slow.fingers", password=PASSWORD, roles=[])
    visitor = site.visitor()

    answers = [visitor.sign_in("slow.fingers", "not the password").status for _ in range(5)]

    assert answers[:4] == [422] * 4
    assert answers[4] == 429
    assert visitor.sign_in("slow.fingers").status == 429
    assert site.member("viewer").get("/").status == 200


def test_unknown_name_is_answered_as_a_wrong_password(site: Any) -> None:
    """Nobody learns names here."""
    visitor = site.visitor()
    wrong, unknown = (visitor.sign_in(name, "no such thing") for name in ("mapper", "nobody.here"))

    assert wrong.status == unknown.status == 422
    assert unknown.text.replace("nobody.here", "mapper").count("do not fit") == 1


def test_signing_in_leads_back_but_never_elsewhere(site: Any) -> None:
    """A crafted link cannot send a person to another site."""
    assert site.visitor().sign_in("viewer", way="/runs/").headers["Location"] == "/runs/"
    for way in ("https://evil.example/", "//evil.example/", "javascript:alert(1)", "/\\evil"):
        assert site.visitor().sign_in("viewer", way=way).headers["Location"] == "/"


def test_disabled_person_is_out_with_the_next_click(site: Any) -> None:
    """And in again when an admin says so; each of it stands in the audit chain."""
    with site.house() as house:
        house.add_person("anna", password=PASSWORD, roles=[])
    admin, anna = site.member("admin"), site.visitor("anna")
    assert anna.get("/").status == 403

    admin.post("/people/anna/", {"what": "roles", "role": ["viewer", "operator"]})
    assert anna.get("/").status == 200
    admin.post("/people/anna/", {"what": "active", "active": "no"})
    assert anna.get("/").status == 302
    assert anna.sign_in("anna").status == 422
    admin.post("/people/anna/", {"what": "active", "active": "yes"})
    assert site.visitor("anna").get("/").status == 200

    with site.house() as house:
        told = [(row.event, row.actor) for row in house.records.audit.find("anna")]
    assert ("person.roles", "admin") in told
    assert ("person.disabled", "admin") in told
    assert ("person.enabled", "admin") in told


def test_another_password_ends_open_sessions(site: Any) -> None:
    """Whoever had the old one is out."""
    with site.house() as house:
        house.add_person("ben", password=PASSWORD, roles=[])
    admin, ben = site.member("admin"), site.visitor("ben")
    assert ben.get("/").status == 403

    weak = admin.post("/people/ben/", {"what": "password", "password": "12345"})
    assert weak.status == 422
    assert "too short" in weak.text
    assert ben.get("/").status == 403
    admin.post("/people/ben/", {"what": "password", "password": "quite another one"})

    assert ben.get("/").status == 302
    assert ben.sign_in("ben").status == 422
    assert ben.sign_in("ben", "quite another one").status == 302


def test_signed_out_is_out(site: Any) -> None:
    """Only by a form: a link elsewhere signs nobody out."""
    visitor = site.visitor("viewer")
    assert visitor.get("/sign-out/").status == 405
    assert visitor.post("/sign-out/", {}).status == 302
    assert visitor.get("/").status == 302
