"""What leaves for a write of suppliers, byte by byte, and every shape of what comes back."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import httpx2
import pytest

from ml_connector.errors import OutcomeUnknownError, ProtocolError, RefusedError
from ml_connector.ports import SupplierChangedError, SupplierMissingError

TAG = '"ACED02"'


def change_of(answers: Any, **attributes: str) -> Any:
    """The change, of other attributes."""
    return replace(answers.change, attributes=attributes)


def test_change_leaves_as_patch_with_version_and_changed_members(
    empty_script: Any, answers: Any
) -> None:
    """Days, flags, amounts and emptied members as the contract has them; no double on the way."""
    empty_script.on(answers.supplier, answers.reply(answers.item(), ETag=TAG))
    source = empty_script.connect()
    source.submit_change(
        change_of(
            answers,
            name="Müller & Söhne",
            inactive_date="2026-02-01",
            one_time="N",
            potential_revenue="12345678901234567890.10",
            year_established="1999",
            type="",
            duns_number="000000018",
        )
    )

    (request,) = empty_script.requests
    assert (request.method, request.url.path) == ("PATCH", answers.supplier)
    assert request.headers["If-Match"] == '"ACED01"'
    assert request.headers["Content-Type"] == "application/vnd.oracle.adf.resourceitem+json"
    assert "application/vnd.oracle.adf.error+json" in request.headers["Accept"]
    assert request.content.decode() == (
        '{"Supplier":"Müller & Söhne","InactiveDate":"2026-02-01","OneTimeSupplierFlag":false,'
        '"CurrentFiscalYearPotentialRevenue":12345678901234567890.1,"YearEstablished":1999,'
        '"SupplierTypeCode":null,"DUNSNumber":"000000018"}'
    )


def test_creation_leaves_as_post_without_empty_members(empty_script: Any, answers: Any) -> None:
    """Codes and never their meanings; no version, for there is none yet."""
    path = f"{answers.root}/suppliers"
    empty_script.on(path, answers.reply(answers.item(), 201, ETag=TAG))
    source = empty_script.connect()
    receipt = source.submit_creation(
        {
            "name": "ACME OFFICE SUPPLIES",
            "alias": "",
            "tax_organisation_type": "CORPORATION",
            "taxpayer_id": "00-0000001",
        }
    )

    (request,) = empty_script.requests
    assert (request.method, request.url.path) == ("POST", path)
    assert "If-Match" not in request.headers
    assert json.loads(request.content) == {
        "Supplier": "ACME OFFICE SUPPLIES",
        "TaxOrganizationTypeCode": "CORPORATION",
        "TaxpayerId": "00-0000001",
    }
    assert (receipt.row.number, receipt.row.version) == ("10005", "ACED02")


def test_batch_leaves_as_parts_below_the_version_root(empty_script: Any, answers: Any) -> None:
    """Path relative to the root, the bare version, what changes and nothing else."""
    parts = [{"id": "p0", "payload": answers.item(), "preconditionSucceeded": True}]
    empty_script.on(answers.root, answers.reply({"parts": parts}))
    empty_script.connect().submit_batch([answers.change])

    (request,) = empty_script.requests
    assert request.headers["Content-Type"] == "application/vnd.oracle.adf.batch+json"
    assert json.loads(request.content) == {
        "parts": [
            {
                "id": "p0",
                "path": "/suppliers/300000002336641",
                "operation": "update",
                "ifMatch": "ACED01",
                "payload": {"Alias": "ACM"},
            }
        ]
    }


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        ({}, {"ETag": '"ACED02"'}),
        ({}, {"ETag": 'W/"ACED02"'}),
        ({"@context": {"key": "1", "headers": {"ETag": '"ACED02"'}, "links": []}}, {}),
        ({"links": [
            {"rel": "child", "properties": {"changeIndicator": "NOT"}},
            {"rel": "self", "href": "x", "properties": {"changeIndicator": "ACED02"}}]}, {}),
        ({"@context": {"links": [
            {"rel": "self", "properties": {"changeIndicator": "ACED02"}}]}}, {}),
    ],
    ids=["header", "weak", "context", "link", "link of context"],
)  # fmt: skip
def test_version_is_read_wherever_it_stands(
    empty_script: Any, answers: Any, body: dict[str, Any], headers: dict[str, str]
) -> None:
    """Header, context or link: versions of the framework differ."""
    empty_script.on(answers.supplier, answers.reply(answers.item(**body), **headers))

    assert empty_script.connect().submit_change(answers.change).row.version == "ACED02"


def test_supplier_without_version_cannot_be_read_for_a_change(
    empty_script: Any, answers: Any
) -> None:
    """Whoever writes without one overwrites everybody."""
    empty_script.on(f"{answers.root}/suppliers", empty_script.page(json.dumps(answers.item())))
    empty_script.on(answers.supplier, answers.reply(answers.item()))

    with pytest.raises(ProtocolError, match="change indicator"):
        empty_script.connect().read_supplier("10005")


@pytest.mark.parametrize("version", ["", 'A"B', "A\nB", "Ä"])
def test_change_without_a_version_is_not_sent(
    empty_script: Any, answers: Any, version: str
) -> None:
    """The last writer would win, and that would be us."""
    with pytest.raises(RefusedError, match="no version"):
        empty_script.connect().submit_change(replace(answers.change, version=version))
    assert empty_script.requests == []


@pytest.mark.parametrize("remote_id", ["", "1/child/sites/2", "x", "1?onlyData=true"])
def test_change_of_no_id_is_not_sent(empty_script: Any, answers: Any, remote_id: str) -> None:
    """An id becomes part of an address, so it is a number or nothing."""
    with pytest.raises(RefusedError, match="no id of a supplier"):
        empty_script.connect().submit_change(replace(answers.change, remote_id=remote_id))
    assert empty_script.requests == []


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (412, ""),
        (412, "<html><title>Error 412--Precondition Failed</title></html>"),
        (400, {"title": "Bad Request", "status": "400", "o:errorDetails": [
            {"detail": "JBO-25014: Another user has changed the row with primary key 1."}]}),
        (409, {"title": "Conflict", "status": "409", "o:errorDetails": [
            {"detail": "Ein anderer Benutzer war schneller.", "o:errorCode": "25014"}]}),
        (400, {"detail": "Someone was faster.", "o:errorCode": 25014}),
        (400, {"detail": "Someone was faster.", "o:errorCode": "JBO-25014"}),
        (400, "JBO-25014: Another user has changed the row"),
    ],
)  # fmt: skip
def test_somebody_elses_change_is_known_in_every_shape(
    empty_script: Any, answers: Any, status: int, body: Any
) -> None:
    """By status or code, never by a translated text."""
    empty_script.on(answers.supplier, answers.reply(body, status))

    with pytest.raises(SupplierChangedError, match="10005"):
        empty_script.connect().submit_change(answers.change)
    assert len(empty_script.requests) == 1


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        ({"title": "Bad Request", "status": "400", "o:errorDetails": [
            {"detail": "JBO-27014: Attribute X is required.", "o:errorCode": "27014",
             "o:errorPath": "/Supplier"},
            {"detail": "The value is too long. (FND-2825)", "o:errorPath": "/DUNSNumber"}]},
         r"JBO-27014: Attribute X is required \[name\]; The value .*FND-2825\) \[duns_number\]"),
        ({"title": "Bad Request", "status": "400", "detail": "At the top.", "o:errorCode": "1"},
         "status 400: At the top"),
        ({"title": "Bad Request", "status": "400"}, "status 400: Bad Request"),
        ({"title": "B", "o:errorDetails": [{"detail": None}, {"detail": "Deep", "o:errorPath":
            "/sites/1/SupplierSite"}]}, r"Deep \[SupplierSite\]"),
        ("One\nTwo", "status 400: One Two"),
        ("<html><head><title>Error 400</title></head><body>x</body></html>", "Error 400"),
        ("", "without a word"),
        ("{", "status 400"),
        ("[]", "status 400"),
        ({"x": 1}, "without a word"),
    ],
)  # fmt: skip
def test_refusal_is_told_in_every_shape(
    empty_script: Any, answers: Any, body: Any, shown: str
) -> None:
    """All sentences, each with the attribute by our name where it has one."""
    empty_script.on(answers.supplier, answers.reply(body, 400))

    with pytest.raises(RefusedError, match=shown) as raised:
        empty_script.connect().submit_change(answers.change)
    assert raised.value.code == "fusion.supplier-refused"


def test_echoed_credentials_are_not_repeated(empty_script: Any, answers: Any) -> None:
    """Some gateways quote the request they refuse."""
    echo = "Bad request. Authorization: Basic VTpwYXNzd29yZA== refused"
    empty_script.on(answers.supplier, answers.reply(echo, 400, kind="text/plain"))

    with pytest.raises(RefusedError) as raised:
        empty_script.connect().submit_change(answers.change)
    assert "VTpwYXNzd29yZA" not in f"{raised.value} {raised.value.render_record()}"


def test_values_of_a_change_are_not_shown_by_its_text(answers: Any) -> None:
    """What is logged of a change is its supplier."""
    assert "ACM" not in repr(answers.change)


@pytest.mark.parametrize(
    "reply",
    [
        lambda a: a.reply("<html>Signed in</html>"),
        lambda a: a.reply(""),
        lambda a: a.reply('{"SupplierId":3000000023'),
        lambda a: a.reply({"SupplierNumber": "10005"}),
        lambda a: a.reply(a.item(SupplierId=7), ETag=TAG),
        lambda _: httpx2.Response(204),
        lambda _: 500,
        lambda _: 502,
        lambda _: 503,
        lambda _: 504,
    ],
)
def test_success_that_does_not_tell_is_unknown(
    empty_script: Any, answers: Any, reply: Callable[[Any], Any]
) -> None:
    """Pages, empty and cut bodies, another supplier's item, and faults: all unknown, all once."""
    empty_script.on(answers.supplier, reply(answers))

    with pytest.raises(OutcomeUnknownError):
        empty_script.connect().submit_change(answers.change)
    assert len(empty_script.requests) == 1


def test_creation_that_names_no_number_is_unknown(empty_script: Any, answers: Any) -> None:
    """It can only be looked for by its name."""
    body = answers.item(SupplierNumber=None)
    empty_script.on(f"{answers.root}/suppliers", answers.reply(body, 201))

    with pytest.raises(OutcomeUnknownError, match="no number"):
        empty_script.connect().submit_creation({"name": "ACME OFFICE SUPPLIES"})


@pytest.mark.parametrize(
    ("attributes", "shown", "unlike"),
    [
        ({"alias": "ACM"}, {}, ()),
        ({"alias": "Acm"}, {}, ("alias",)),
        ({"alias": "ACM", "type": "SERVICES"}, {}, ("type",)),
        ({"inactive_date": ""}, {"InactiveDate": "4712-12-31"}, ()),
        ({"inactive_date": "4712-12-31"}, {"InactiveDate": None}, ()),
        ({"potential_revenue": "10.50"}, {"CurrentFiscalYearPotentialRevenue": 10.5}, ()),
        ({"potential_revenue": "10.50"}, {"CurrentFiscalYearPotentialRevenue": "10.50"}, ()),
        ({"potential_revenue": "10.50"}, {}, ("potential_revenue",)),
        ({"year_established": "1999"}, {"YearEstablished": 1999}, ()),
        ({"year_established": "1999"}, {"YearEstablished": "1999"}, ()),
        ({"one_time": "Y"}, {"OneTimeSupplierFlag": True}, ()),
        ({"one_time": "Y"}, {"OneTimeSupplierFlag": "Y"}, ()),
        ({"one_time": "Y"}, {"OneTimeSupplierFlag": False}, ("one_time",)),
    ],
)
def test_receipt_names_what_does_not_show_what_was_sent(
    empty_script: Any,
    answers: Any,
    attributes: dict[str, str],
    shown: dict[str, Any],
    unlike: tuple[str, ...],
) -> None:
    """What a pod passes over in silence or writes otherwise is told; other spellings are not."""
    empty_script.on(answers.supplier, answers.reply(answers.item(**shown), ETag=TAG))

    receipt = empty_script.connect().submit_change(change_of(answers, **attributes))
    assert receipt.unlike == unlike


@pytest.mark.parametrize(
    "parts",
    [
        [],
        [{"id": "p1"}],
        [{"id": "p0"}],
        [{"id": "p0", "payload": {"SupplierId": 7}, "preconditionSucceeded": True}],
        [{"id": "p0", "payload": {"SupplierId": 300000002336641}, "preconditionSucceeded": False}],
    ],
)
def test_batch_answer_that_does_not_fit_is_unknown(
    empty_script: Any, answers: Any, parts: list[dict[str, Any]]
) -> None:
    """No parts, others, without a result, or with a condition that did not hold."""
    empty_script.on(answers.root, answers.reply({"parts": parts}))

    with pytest.raises(OutcomeUnknownError, match=r"batch of 1|supplier 10005"):
        empty_script.connect().submit_batch([answers.change])
    assert len(empty_script.requests) == 1


@pytest.mark.parametrize(("status", "fault"), [(404, "no supplier any more")])
def test_change_of_a_supplier_that_is_gone_says_so(
    empty_script: Any, answers: Any, status: int, fault: str
) -> None:
    """The number is told, for nobody knows ids by heart."""
    empty_script.on(answers.supplier, status)

    with pytest.raises(SupplierMissingError, match=f"{fault}.*'10005'"):
        empty_script.connect().submit_change(answers.change)


def test_number_that_several_suppliers_bear_is_nobodys(empty_script: Any, answers: Any) -> None:
    """Nothing is changed by a number that does not tell suppliers apart."""
    items = [json.dumps(answers.item(SupplierId=each)) for each in (1, 2)]
    empty_script.on(f"{answers.root}/suppliers", empty_script.page(*items, limit=25))

    with pytest.raises(SupplierMissingError, match="2 suppliers"):
        empty_script.connect().read_supplier("10005")


def test_rows_a_pod_gives_unasked_are_left_out(empty_script: Any, answers: Any) -> None:
    """A filter that is passed over in silence makes nobody somebody else."""
    items = json.dumps(answers.item(SupplierNumber="10006"))
    empty_script.on(f"{answers.root}/suppliers", empty_script.page(items, limit=25))

    assert empty_script.connect().find_supplier(number="10005").rows == ()
