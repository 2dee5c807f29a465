"""Every page of the router, for every role and for nobody."""

import re
from typing import Any

import pytest
from tests.pages.addresses import fill, name_nothing

from ml_connector.ports import RIGHTS, Role


def test_every_view_says_which_right_it_asks_for(site: Any) -> None:
    """One that said nothing would break on its first visit, but better here."""
    assert [path for path, right in site.routes if right is None] == []
    assert {path for path, right in site.routes if right == "open"} == {
        "sign-in/", "sign-in/second/", "sign-in/with/<str:name>/", "sign-out/",
        "sign-in/with/<str:name>/back/", "health/live", "health/ready",
    }  # fmt: skip


@pytest.mark.parametrize("role", list(Role))
def test_role_sees_what_its_rights_give_and_nothing_else(site: Any, role: Role) -> None:
    """The router itself is walked, so that a new page cannot be forgotten."""
    visitor = site.member(role.value)
    for path, right in site.routes:
        if right == "open":
            continue
        answer = visitor.get(fill(path, site))
        has_right = right in {one.value for one in RIGHTS[role]}
        assert (answer.status in (200, 405)) is has_right, (path, answer.status)
        assert (answer.status == 403) is not has_right, (path, answer.status)


@pytest.mark.parametrize("role", list(Role))
def test_role_calls_what_its_rights_give_and_nothing_else(site: Any, role: Role) -> None:
    """Every operation of the API, from the router itself, by its own method."""
    visitor = site.member(role.value)
    for path, method, right in site.operations:
        answer = visitor.call(method, name_nothing(path))
        has_right = right in {one.value for one in RIGHTS[role]}
        assert answer.status != 401, (path, method)
        assert (answer.status == 403) is not has_right, (path, method, answer.text)
        assert answer.status < 500, (path, method, answer.text)
    assert len(site.operations) > 40


def test_nobody_calls_anything(site: Any) -> None:
    """No session and no token; nor a session without the token of our forms."""
    stranger, admin = site.visitor(), site.member("admin")
    for path, method, _ in site.operations:
        answer = stranger.call(method, name_nothing(path))
        assert answer.status == 401, (path, method)
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")
        assert answer.headers["Content-Type"] == "application/problem+json"
        if method != "GET":
            forged = admin.call(method, name_nothing(path), is_ours=False)
            assert forged.status == 403, (path, method)


def test_nobody_is_asked_to_sign_in_and_led_back(site: Any) -> None:
    """Also for addresses that change something, and for parts of pages."""
    visitor = site.visitor()
    for path, right in site.routes:
        if right == "open":
            continue
        where = fill(path, site)
        for answer in (visitor.get(where), visitor.post(where, {})):
            # The manual of the API takes no form: it tells so as the API does.
            assert answer.status in ((302, 405) if path == "api/v1/" else (302, 403))
            assert "actuals" not in answer.text
        assert visitor.get(where).headers["Location"].startswith("/sign-in/?next=%2F")
    part = visitor.get(f"/runs/{site.run_id}/", **{"HX-Request": "true"})
    assert part.status == 204
    assert part.headers["HX-Redirect"].startswith("/sign-in/")


def test_an_address_of_nothing_is_no_page(site: Any) -> None:
    """Whoever mistypes a flow, a run or a plan is told so, by every page that takes one."""
    chief = site.member("chief")
    for path, right in site.routes:
        if "<" not in path or right == "open":
            continue
        named = path.replace("<path:place>", "nothing-there/US/Sep-26")
        where = "/" + re.sub("<[^>]*>", "nothing-there", named)
        told = {chief.get(where).status, chief.post(where, {}).status}
        assert told in ({404}, {404, 405}), (path, told)


def test_changes_need_a_form_of_our_own(site: Any) -> None:
    """Another site cannot make a signed-in admin's browser add people."""
    admin = site.member("admin")

    answer = admin.post("/people/add/", {"name": "mallory"}, is_ours=False)

    assert answer.status == 403
    assert "out of date" in answer.text
    assert "mallory" not in admin.get("/people/").text


def test_no_answer_lets_anything_from_elsewhere_run(site: Any) -> None:
    """Nor is any of ours written into the page itself."""
    visitor = site.member("admin")
    for path, right in site.routes:
        answer = visitor.get(fill(path, site))
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert " style=" not in answer.text
        assert "<style" not in answer.text
        assert " on" + "click=" not in answer.text
        assert right == "open" or answer.text.count("<script ") == answer.text.count(" defer>")
