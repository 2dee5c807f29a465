"""The forms an export's file can have, what its metadata says of them, and who changes it when."""

import csv
import io
from collections.abc import Callable
from typing import Any

import pytest

from ml_connector.sandbox.anaplan.server import build_anaplan_server

NAME = "Supplier Revisions"
HEADERS = [
    "Code", "Name", "Alias", "Alternate Name", "Corporate Website", "D-U-N-S", "Inactive Date",
    "One-Time", "Year Established", "Customer Number",
]  # fmt: skip
SUPPLIERS: list[dict[str, Any]] = [
    {
        "code": "10006",
        "name": "Müller & Söhne GmbH",
        "values": {
            "Alias": 'a,b;c\td|e"f\'g\nh\\', "Inactive Date": "2026-12-31", "One-Time": True,
            "Year Established": -1234567.5,
        },
    },
    {"code": "10010", "name": "Łódź €", "values": {"Year Established": 0.00012}},
    {"code": "10007", "name": "Plain", "values": {"Year Established": 12345678}},
]  # fmt: skip
PLANNER = "planner@halden.example"


@pytest.fixture
def planned(anaplan: Any) -> Any:
    """The tenant with three suppliers whose values are hard on a reader."""
    anaplan.admin("add_suppliers", suppliers=SUPPLIERS)
    return anaplan


def file_path(tenant: Any) -> str:
    """The path of the output."""
    return f"/files/{tenant.ids['exports'][NAME]}"


def produce(tenant: Any) -> bytes:
    """The bytes of a fresh run, its chunks put together."""
    assert tenant.run("exports", NAME)["successful"]
    return download(tenant)


def download(tenant: Any) -> bytes:
    """The bytes as they are now, chunk by chunk."""
    path = file_path(tenant)
    listed = tenant.get(f"{path}/chunks").json()["chunks"]
    return b"".join(tenant.get(f"{path}/chunks/{one['id']}").content for one in listed)


def metadata(tenant: Any) -> dict[str, Any]:
    """What the export says of itself."""
    reply = tenant.get(f"/exports/{tenant.ids['exports'][NAME]}")
    found: dict[str, Any] = reply.json()["exportMetadata"]
    return found


def parse(content: bytes, form: dict[str, Any]) -> list[list[str]]:
    """The records, read as the metadata says."""
    text = content.decode(form["encoding"])
    quote = {"quotechar": form["delimiter"]} if form["delimiter"] else {"quoting": csv.QUOTE_NONE}
    stream = io.StringIO(text, newline="")
    return list(csv.reader(stream, delimiter=form["separator"], **quote))


def column(tenant: Any, name: str) -> list[str]:
    """The texts of a column in a fresh run."""
    rows = parse(produce(tenant), metadata(tenant))
    return [row[HEADERS.index(name)] for row in rows[1:]]


@pytest.mark.parametrize("encoding", ["UTF-8", "UTF-16LE", "ISO-8859-1", "windows-1252"])
@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("delimiter", ['"', "'"])
def test_file_is_read_as_its_metadata_says(
    planned: Any, encoding: str, separator: str, delimiter: str
) -> None:
    """The metadata tells the form, and all texts come through; `?` where the encoding lacks one."""
    form = {"encoding": encoding, "separator": separator, "delimiter": delimiter}
    planned.admin("set_export_form", export=NAME, **form)

    rows = parse(produce(planned), metadata(planned))

    assert metadata(planned) | form == metadata(planned)
    assert rows[0] == HEADERS == metadata(planned)["headerNames"]
    assert rows[1][:3] == ["10006", "Müller & Söhne GmbH", SUPPLIERS[0]["values"]["Alias"]]
    shown = {"ISO-8859-1": "?ód? ?", "windows-1252": "?ód? €"}
    assert rows[2][1] == shown.get(encoding, "Łódź €")


@pytest.mark.parametrize(
    ("encoding", "mark"),
    [
        ("UTF-8", b"\xef\xbb\xbf"), ("UTF-16LE", b"\xff\xfe"), ("ISO-8859-1", b""),
        ("windows-1252", b""),
    ],
)  # fmt: skip
def test_byte_order_mark_is_that_of_the_encoding(planned: Any, encoding: str, mark: bytes) -> None:
    """The mark stands in front, the rest is the same; the metadata does not mention it."""
    planned.admin("set_export_form", export=NAME, encoding=encoding)
    bare, told = produce(planned), metadata(planned)

    planned.switch(export__bom="on")

    assert produce(planned) == mark + bare
    assert metadata(planned) == told


def test_list_of_exports_tells_encoding_and_format(planned: Any) -> None:
    """As the definition has them; in older answers neither is there."""
    planned.admin("set_export_form", export=NAME, encoding="UTF-16LE", format="text/plain")
    key = planned.ids["exports"][NAME]

    full = {row["id"]: row for row in planned.get("/exports").json()["exports"]}
    planned.switch(export__listing="short")
    short = {row["id"]: row for row in planned.get("/exports").json()["exports"]}

    assert (full[key]["encoding"], full[key]["exportFormat"]) == ("UTF-16LE", "text/plain")
    assert full["116000000001"]["encoding"] == "UTF-8"
    assert short[key] == {"id": key, "name": NAME, "exportType": "TABULAR_MULTI_COLUMN"}


def test_separator_is_that_of_the_format_unless_given(planned: Any) -> None:
    """Plain text has tabs, and says so."""
    planned.admin("set_export_form", export=NAME, format="text/plain")
    assert (metadata(planned)["separator"], produce(planned)[:5]) == ("\t", b"Code\t")

    planned.admin("set_export_form", export=NAME, separator=";")

    assert (metadata(planned)["separator"], produce(planned)[:5]) == (";", b"Code;")


def test_without_delimiter_a_text_tears_its_row(planned: Any) -> None:
    """Nothing is protected: the reader finds other columns than the header has."""
    planned.admin("set_export_form", export=NAME, delimiter="")

    rows = parse(produce(planned), metadata(planned))

    assert metadata(planned)["delimiter"] == ""
    assert rows[0] == HEADERS
    assert {len(row) for row in rows[1:]} != {len(HEADERS)}


def test_quoting_and_newlines_are_switches(planned: Any) -> None:
    """Every field or only where it must be; embedded quotes doubled or escaped; CRLF."""
    planned.switch(export__quoting="all", export__newline="CRLF")
    whole = produce(planned)
    planned.switch(export__quote_escape="backslash", export__quoting="minimal")
    escaped = produce(planned)

    assert whole.startswith(b'"Code","Name",')
    assert whole.endswith(b',"12345678",""\r\n')
    assert b'e""f' in whole
    assert b'e\\"f' in escaped
    assert b'h\\\\"' in escaped


@pytest.mark.parametrize("text", ["TRUE/FALSE", "1/0", "Yes/No", "yes/no", "true/false"])
def test_boolean_is_one_of_two_words(planned: Any, text: str) -> None:
    """Those of the switch, false for what nobody touched."""
    planned.switch(export__bool=text)
    true, false = text.split("/")

    assert column(planned, "One-Time") == [true, false, false]


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ("ISO", "2026-12-31"), ("locale", "31/12/2026"), ("dd/mm/yyyy", "31/12/2026"),
        ("mm/dd/yyyy", "12/31/2026"), ("dd.mm.yyyy", "31.12.2026"), ("yyyymmdd", "20261231"),
    ],
)  # fmt: skip
def test_date_is_printed_in_the_wanted_order(planned: Any, form: str, text: str) -> None:
    """A blank date stays blank."""
    planned.switch(export__date=form)

    assert column(planned, "Inactive Date") == [text, "", ""]


@pytest.mark.parametrize(
    ("switches", "texts"),
    [
        ({}, ["-1234567.5", "0.00012", "12345678"]),
        ({"export__decimal": ","}, ["-1234567,5", "0,00012", "12345678"]),
        (
            {"export__decimal": ",", "export__thousands": "."},
            ["-1.234.567,5", "0,00012", "12.345.678"],
        ),
        ({"export__thousands": ","}, ["-1,234,567.5", "0.00012", "12,345,678"]),
        (
            {"export__thousands": "\u00a0"},
            ["-1\u00a0234\u00a0567.5", "0.00012", "12\u00a0345\u00a0678"],
        ),
        ({"export__thousands": "'"}, ["-1'234'567.5", "0.00012", "12'345'678"]),
        ({"export__negative": "1-"}, ["1234567.5-", "0.00012", "12345678"]),
        ({"export__negative": "(1)"}, ["(1234567.5)", "0.00012", "12345678"]),
        ({"export__exponent": "on"}, ["-1234567.5", "1.2E-4", "1.2345678E7"]),
        (
            {"export__exponent": "on", "export__decimal": ","},
            ["-1234567,5", "1,2E-4", "1,2345678E7"],
        ),
    ],
)  # fmt: skip
def test_number_is_printed_in_the_wanted_form(
    planned: Any, switches: dict[str, str], texts: list[str]
) -> None:
    """Point and no grouping unless switched; the exponent as soon as a number is far from one."""
    planned.switch(**switches)

    assert column(planned, "Year Established") == texts


@pytest.mark.parametrize(
    ("word", "shown"),
    [("empty", ""), ("quoted", ""), ("NaN", "NaN"), ("#N/A", "#N/A"), ("null", "null")],
)
def test_blank_is_printed_as_the_switch_says(planned: Any, word: str, shown: str) -> None:
    """Texts and dates without a value; a number is a zero unless zeros are shown as blanks."""
    planned.admin("revise_suppliers", suppliers=[{"code": "10007", "values": {
        "Year Established": 0}}])  # fmt: skip
    planned.switch(export__blank=word)

    assert column(planned, "Customer Number") == [shown] * 3
    assert column(planned, "Year Established")[2] == "0"
    planned.switch(export__blank_number="blank")
    assert column(planned, "Year Established")[2] == shown
    assert (b',"",' in produce(planned)) is (word == "quoted")


def test_file_without_rows_is_a_header_or_nothing(planned: Any) -> None:
    """Either way one chunk; the run succeeds though its user sees no row."""
    planned.switch(export__rows="none")
    header = produce(planned)
    planned.switch(export__no_rows="empty", export__bom="on")
    nothing = produce(planned)

    assert header.decode() == ",".join(HEADERS) + "\n"
    assert nothing == b""
    listed = planned.get(f"{file_path(planned)}/chunks").json()["chunks"]
    assert [one["id"] for one in listed] == ["0"]
    assert planned.get(f"{file_path(planned)}/chunks/0").status_code == 200


def test_user_without_access_gets_fewer_rows(planned: Any) -> None:
    """The run succeeds, and nothing but the row count of the metadata hints at it."""
    planned.switch(export__rows="some")

    assert column(planned, "Code") == ["10006", "10007"]
    assert metadata(planned)["rowCount"] == 3


def test_header_may_be_missing(planned: Any) -> None:
    """The first line is a supplier."""
    planned.switch(export__header="off")

    assert produce(planned).startswith(b"10006,")


def test_row_count_may_be_an_estimate(finance: Any) -> None:
    """All that the module could hold, instead of what is there."""
    path = "/exports/116000000001"
    assert finance.get(path).json()["exportMetadata"]["rowCount"] == 0

    finance.switch(export__row_count="estimate")

    assert finance.get(path).json()["exportMetadata"]["rowCount"] > 100


def test_file_may_be_cut(planned: Any) -> None:
    """The last bytes are missing; chunks and run look as ever."""
    whole = produce(planned)

    planned.switch(export__cut_bytes=15)
    assert produce(planned) == whole[:-15]
    planned.switch(export__cut_bytes=10**6)

    assert produce(planned) == b""


def test_change_of_the_definition_leaves_the_file_as_it_is(planned: Any) -> None:
    """The metadata tells the form of the next run, not of the file that is there."""
    before = produce(planned)

    form = planned.admin("set_export_form", export=NAME, encoding="UTF-16LE", separator=";")

    assert (form["encoding"], form["separator"], form["delimiter"]) == ("UTF-16LE", ";", '"')
    assert (metadata(planned)["encoding"], metadata(planned)["separator"]) == ("UTF-16LE", ";")
    assert download(planned) == before
    assert produce(planned).decode("utf-16-le").startswith("Code;Name;")


@pytest.mark.parametrize(
    ("kind", "start"),
    [
        ("application/vnd.ms-excel", b"\xd0\xcf\x11\xe0"),
        ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", b"PK"),
        ("application/pdf", b"%PDF"),
    ],
)
def test_other_formats_are_told_and_are_no_text(planned: Any, kind: str, start: bytes) -> None:
    """A workbook or a printed page, by its name and its first bytes."""
    planned.admin("set_export_form", export=NAME, format=kind)

    assert metadata(planned)["exportFormat"] == kind
    assert produce(planned).startswith(start)


@pytest.mark.parametrize(
    "form",
    [
        {"encoding": "UTF-7"}, {"separator": "::"}, {"delimiter": '""'}, {"format": "text/html"},
        {"layout": "ROUND"}, {"audience": "some"},
    ],
)  # fmt: skip
def test_unknown_form_is_refused_and_changes_nothing(planned: Any, form: dict[str, str]) -> None:
    """The error names what is known."""
    before = metadata(planned)

    body = {"export": NAME, "encoding": "UTF-16LE", **form}
    reply = planned.http.post("/__sandbox/set_export_form", json=body)

    assert reply.status_code == 400
    assert next(iter(form.values())) in reply.json()["error"]
    assert metadata(planned) == before
    unknown = planned.http.post("/__sandbox/set_export_form", json={"export": "Nothing"})
    assert unknown.status_code == 400


def test_form_is_kept_over_a_restart(planned: Any, start_server: Callable[..., str]) -> None:
    """What a model builder saved is in the state folder, the values of suppliers too."""
    planned.admin("set_export_form", export=NAME, encoding="ISO-8859-1", audience="everyone")
    told, held = metadata(planned), planned.admin("read_suppliers")

    state_dir = planned.server.store.path.parent
    planned.http.base_url = start_server(build_anaplan_server(state_dir, planned.server.clock))

    assert metadata(planned) == told
    assert planned.admin("read_suppliers") == held


def test_rerun_by_another_user_leaves_a_private_file_alone(planned: Any) -> None:
    """Each runner has an output of his own."""
    before = produce(planned)
    change = [{"code": "10007", "values": {"Alias": "changed meanwhile"}}]

    made = planned.admin("rerun_export", export=NAME, email=PLANNER, suppliers=change)

    assert download(planned) == before
    assert made["bytes"] > len(before)
    planned.act_as(PLANNER)
    assert b"changed meanwhile" in download(planned)


@pytest.mark.parametrize(("audience", "email"), [("", "integration@halden.example"),
                                                 ("everyone", PLANNER)])  # fmt: skip
def test_rerun_changes_the_file_between_two_chunks(planned: Any, audience: str, email: str) -> None:
    """By the same user, or by anybody where the output is shared: the halves do not fit."""
    planned.admin("set_export_form", export=NAME, audience=audience)
    planned.switch(chunk__bytes=150)
    before = produce(planned)
    change = [{"code": "10006", "values": {"Customer Number": "x" * 400}}]
    planned.fault(
        kind="hook",
        hook="rerun_export",
        path=f"{file_path(planned)}/chunks/1$",
        arguments={"export": NAME, "email": email, "suppliers": change},
    )

    path = file_path(planned)
    count = len(planned.get(f"{path}/chunks").json()["chunks"])
    parts = [planned.get(f"{path}/chunks/{n}").content for n in range(count)]

    after = download(planned)
    assert len(planned.get(f"{path}/chunks").json()["chunks"]) > count
    assert b"".join(parts) not in {before, after}
    assert (before.startswith(parts[0]), after[150:].startswith(parts[1])) == (True, True)
    row = next(row for row in planned.get("/files").json()["files"] if path.endswith(row["id"]))
    assert row["chunkCount"] > count


def test_shorter_rerun_takes_later_chunks_away(planned: Any) -> None:
    """A chunk that was listed is not there any more."""
    planned.switch(chunk__bytes=50)
    produce(planned)
    last = planned.get(f"{file_path(planned)}/chunks").json()["chunks"][-1]["id"]
    planned.switch(export__rows="none")

    planned.admin("rerun_export", export=NAME)

    assert planned.get(f"{file_path(planned)}/chunks/{last}").status_code == 404


def test_shared_output_is_read_by_its_audience(planned: Any) -> None:
    """Everyone reads the last run's file; one for administrators is empty to others."""
    planned.admin("set_export_form", export=NAME, audience="everyone")
    whole = produce(planned)
    planned.act_as(PLANNER)
    assert download(planned) == whole

    planned.admin("set_export_form", export=NAME, audience="admins")

    assert planned.get(file_path(planned)).content == b""
    assert planned.get(f"{file_path(planned)}/chunks/0").content == b""
    planned.switch(files__admin_default="404")
    assert planned.get(file_path(planned)).status_code == 404
    planned.act_as("integration@halden.example")
    assert download(planned) == whole
