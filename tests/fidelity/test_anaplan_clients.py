"""Full cycles of two clients that others wrote, unmodified except for the addresses."""

import gzip
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import anaplan_sdk  # type: ignore[import-untyped]  # ships no types
import apapi  # type: ignore[import-untyped]  # ships no types
import httpx2
import pytest
from anaplan_sdk.exceptions import (  # type: ignore[import-untyped]  # ships no types
    AnaplanActionError,
    InvalidIdentifierException,
)
from apapi.authentication import BasicAuth  # type: ignore[import-untyped]  # ships no types
from apapi.utils import MIMEType, get_generic_session  # type: ignore[import-untyped]  # ships no types

from ml_connector.sandbox.anaplan.seed import FINANCE_MODEL, seed_definitions

EMAIL, PASSWORD = "integration@halden.example", "halden-password"
ENTITIES = "Code,Name,Parent\nHI,Halden Ü,\n101,US,HI\n102,CA,HI\n"
BAD = "Code,Name,Parent\nHI,Halden Ü,\nW1,Widget,NoSuch\n"
ACTUALS = "Entity,Account,Cost Centre,Currency,Version,Period,Amount\n"
Connect = Callable[..., anaplan_sdk.Client]


class ToSandbox(httpx2.HTTPTransport):
    """Sends what is meant for the vendor's hosts to the sandbox, Host header and all."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self._url = httpx2.URL(url)

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """The sandbox's answer to a request for *.anaplan.com."""
        if request.url.host.endswith("anaplan.com"):
            where = {"scheme": "http", "host": self._url.host, "port": self._url.port}
            request.url = request.url.copy_with(**where)
        return super().handle_request(request)


@pytest.fixture
def instant(anaplan: Any) -> Any:
    """The tenant with tasks that take no time, at today's date as clients compare clocks."""
    anaplan.switch(task__base_s=0.0, task__row_s=0.0)
    anaplan.server.clock.set(datetime.now(UTC))
    anaplan.act_as(EMAIL)
    anaplan.control("DELETE", "journal")
    return anaplan


@pytest.fixture
def connect(instant: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Connect]:
    """Builds SDK clients; every httpx client they make goes to the sandbox."""
    transport = ToSandbox(instant.url)
    plain = httpx2.Client.__init__

    def redirected(self: httpx2.Client, *args: Any, **kwargs: Any) -> None:
        plain(self, *args, **{**kwargs, "transport": transport})

    monkeypatch.setattr(httpx2.Client, "__init__", redirected)
    made: list[anaplan_sdk.Client] = []

    def build(**options: Any) -> anaplan_sdk.Client:
        ids = instant.ids
        how = {"user_email": EMAIL, "password": PASSWORD, **options}
        client = anaplan_sdk.Client(ids["workspace"], ids["id"], status_poll_delay=0, **how)
        made.append(client)
        return client

    yield build
    for client in made:
        client._http._client.close()
    transport.close()


def test_sdk_reads_the_tenant_and_the_model(connect: Connect) -> None:
    """Every typed listing of the SDK parses."""
    client = connect()
    assert [one.name for one in client.get_workspaces()] == ["Halden Finance", "Halden Lab"]
    assert client.get_workspace().name == "Halden Finance"
    assert len(client.get_models()) == 7
    assert client.get_model().name == "Finance Planning"
    assert [one.file_id for one in client.get_imports()][:2] == [113000000001, 113000000002]
    assert client.get_exports()[0].name == "Export Actuals"
    assert len(client.get_processes()) == 2
    assert client.get_actions()[0].type == "DELETE_BY_SELECTION"
    assert client.get_files(sort_by="name")[0].name == "Export Actuals"
    tr = client.tr
    assert tr.get_model_status().current_step == "Open"
    assert tr.get_lists()[0].name == "Entities"
    assert tr.get_list_metadata(101000000005).numbered_list
    modules = seed_definitions(FINANCE_MODEL).modules.values()
    assert len(tr.get_line_items()) == sum(len(module.line_items) for module in modules)
    assert tr.get_line_items(102000000003)[0].format == "LIST"
    assert len(tr.get_views()) == len(modules)
    assert tr.get_view_info(102000000001).columns[0].name == "Time"
    assert tr.get_current_period().period_text == "Oct 26"
    assert tr.set_current_period("2026-11-30").period_text == "Nov 26"
    assert tr.get_model_calendar().calendar_type == "Calendar Months/Quarters/Years"
    tr.wake_model()
    tr.close_model()


def test_sdk_uploads_in_parallel_gzip_chunks_and_imports(connect: Connect, instant: Any) -> None:
    """A declared count, compressed chunks in any order, the import, and the items."""
    client = connect(upload_chunk_size=9)
    task = client.upload_and_import(113000000001, ENTITIES, 112000000001)
    assert task.result.successful
    detail = task.result.details[0]
    assert detail.local_message_text == "Entities: 3 (3/0) rows successful, 0 ignored "
    items = client.tr.get_list_items(101000000001)
    assert [(one.code, one.name, one.parent) for one in items][1] == ("101", "US", "Halden Ü")
    puts = [line for line in instant.journal() if line["method"] == "PUT"]
    assert len(puts) == -(-len(ENTITIES.encode()) // 9)
    assert {line["headers"]["content-type"] for line in puts} == {"application/x-gzip"}
    assert puts[0]["headers"]["host"] == "api.anaplan.com"
    assert client.get_task_summaries(112000000001)[0].id == task.id


def test_sdk_streams_completes_and_reads_back(connect: Connect) -> None:
    """Unknown length, complete with a number for the id, the content read again."""
    client = connect()
    client.upload_file_stream(113000000001, (ENTITIES[n : n + 10] for n in range(0, 50, 10)))
    client.upload_file_stream(113000000001, iter([ENTITIES[:20], ENTITIES[20:]]), batch_size=2)
    assert client.get_file(113000000001) == ENTITIES.encode()
    assert client.run_action(112000000001).result.successful


def test_sdk_exports_and_downloads_in_chunks(connect: Connect, instant: Any) -> None:
    """A round trip of cells; several chunks are fetched in parallel and joined."""
    instant.load_dimensions()
    client = connect()
    text = f"{ACTUALS}101,4000,120,USD,Actual,Oct 26,62.25000000000001\n"
    client.upload_and_import(113000000005, text, 112000000005)
    instant.switch(chunk__bytes=37)
    content = client.export_and_download(116000000001)
    row = b"US,Sales,Works,US Dollar,Actual,Oct 26,62.25000000000001\n"
    assert content.endswith(row)
    assert b"".join(client.get_file_stream(116000000001, batch_size=3)) == content


def test_sdk_sees_partial_loads_and_failures(connect: Connect) -> None:
    """Success with a dump is success; a run without a file raises."""
    client = connect()
    with pytest.raises(AnaplanActionError):
        client.run_action(112000000001)
    task = client.upload_and_import(113000000001, BAD, 112000000001)
    assert (task.result.successful, task.result.failure_dump_available) == (True, True)
    with pytest.raises(InvalidIdentifierException):
        client.get_file(116000000001)


def test_sdk_logs_in_again_after_a_401_in_the_middle(connect: Connect, instant: Any) -> None:
    """Only the refused request is repeated."""
    client = connect()
    instant.admin("kill_token", path="/tasks$")
    assert client.upload_and_import(113000000001, ENTITIES, 112000000001).result.successful
    logins = [line for line in instant.journal() if line["path"] == "/token/authenticate"]
    assert len(logins) == 2


@pytest.mark.exhaustive
def test_sdk_logs_in_by_certificate(connect: Connect, instant: Any) -> None:
    """Its v1 payload is accepted unless v2 is mandatory."""
    issued = instant.admin("issue_certificate", email="certificate@halden.example")
    keys = {"user_email": None, "password": None, **issued}
    assert connect(**keys).get_workspaces()
    instant.switch(auth__cert_format="v2")
    with pytest.raises(anaplan_sdk.exceptions.InvalidCredentialsException):
        connect(**keys)


def test_sdk_changes_lists_and_cells(connect: Connect, instant: Any) -> None:
    """Items added, updated, deleted; cells written and read as a view."""
    instant.load_dimensions()
    tr = connect().tr
    added = tr.insert_list_items(101000000004, [{"code": "EUR", "name": "Euro"}, {"code": "X"}])
    assert (added.added, added.ignored, added.failures[0].reason) == (1, 1, "INCOMPLETE_DATA")
    assert tr.update_list_items(101000000004, [{"code": "EUR", "name": "Euro new"}]).updated == 1
    assert tr.delete_list_items(101000000004, [{"code": "EUR"}]).deleted == 1
    names = [("Entities", "101"), ("Accounts", "4000"), ("Cost Centres", "120")]
    names += [("Currencies", "USD"), ("Versions", "Actual"), ("Time", "Oct 26")]
    where = [{"dimensionName": axis, "itemCode": code} for axis, code in names]
    cell = {"lineItemName": "Amount", "dimensions": where, "value": 5}
    assert tr.update_module_data(102000000001, [cell]) == 1
    grid = tr.get_view_data(102000000001)
    sales = next(row for row in grid["rows"] if row["rowCoordinates"] == ["Sales"])
    assert "5" in sales["cells"]
    assert tr.lookup_dimension_items(20000000003, names=["Oct 26"])[0].name == "Oct 26"
    assert len(tr.get_dimension_items(101000000001)) == 2
    assert len(tr.get_line_item_dimensions(220000000001)) == 6


@pytest.fixture
def api(instant: Any) -> Iterator[apapi.Connection]:
    """A connection of the second client, logged out at the end."""
    session = get_generic_session(retry_count=0)
    auth = BasicAuth(f"{EMAIL}:{PASSWORD}", auth_url=instant.url, session=session)
    with auth:
        yield apapi.Connection(auth, api_url=instant.url)


def test_apapi_loads_and_reads_the_dump(api: apapi.Connection, instant: Any) -> None:
    """A stream of chunks, complete, import, task, dump whole and in chunks."""
    model = instant.ids["id"]
    parts = [BAD[:20].encode(), BAD[20:].encode()]
    file = api.upload_file(model, "113000000001", parts).json()["file"]
    assert file["chunkCount"] == 2
    task_id = api.run_import(model, "112000000001").json()["task"]["taskId"]
    task = api.get_import_task(model, "112000000001", task_id).json()["task"]
    assert task["result"]["failureDumpAvailable"]
    whole = api.get_import_dump(model, "112000000001", task_id).content
    assert whole == api.download_import_dump(model, "112000000001", task_id)
    assert b'"Invalid parent"' in whole
    assert len(api.get_import_tasks(model, "112000000001").json()["tasks"]) == 1


def test_apapi_uploads_compressed_and_in_one_piece(api: apapi.Connection, instant: Any) -> None:
    """Gzip chunks and the single PUT give the same content."""
    model = instant.ids["id"]
    packed = [gzip.compress(ENTITIES.encode())]
    api.upload_file(model, "113000000001", packed, MIMEType.APP_GZIP)
    assert b"".join(api.download_file(model, "113000000001")) == ENTITIES.encode()
    api.put_file(model, "113000000001", b"Code,Name,Parent\n")
    assert api.get_file(model, "113000000001").content == b"Code,Name,Parent\n"
    assert api.delete_file(model, "113000000001").status_code == 204


def test_apapi_runs_a_process_and_reads_a_nested_dump(api: apapi.Connection, instant: Any) -> None:
    """Nested results point to the import whose dump is there."""
    model = instant.ids["id"]
    api.put_file(model, "113000000001", BAD.encode())
    api.put_file(model, "113000000002", b"Code,Name,Parent,Account Type\n1,Cash,,A\n")
    api.put_file(model, "113000000003", b"Code,Name,Parent\n1,Works,\n")
    api.put_file(model, "113000000004", b"Code,Name\nUSD,Dollar\n")
    task_id = api.run_process(model, "118000000002").json()["task"]["taskId"]
    task = api.get_process_task(model, "118000000002", task_id).json()["task"]
    first = task["result"]["nestedResults"][0]
    assert first["failureDumpAvailable"]
    dump = api.download_process_dump(model, "118000000002", task_id, first["objectId"])
    assert dump == api.get_process_dump(model, "118000000002", task_id, first["objectId"]).content
    assert b'"W1"' in dump


def test_apapi_exports_with_the_round_trip(api: apapi.Connection, instant: Any) -> None:
    """What was loaded comes back through the export's chunks."""
    instant.load_dimensions()
    instant.switch(chunk__bytes=50)
    model = instant.ids["id"]
    text = f"{ACTUALS}101,4000,120,USD,Actual,Oct 26,7\n"
    api.put_file(model, "113000000005", text.encode())
    api.run_import(model, "112000000005")
    task_id = api.run_export(model, "116000000001").json()["task"]["taskId"]
    assert api.get_export_task(model, "116000000001", task_id).json()["task"]["result"][
        "successful"
    ]
    content = b"".join(api.download_file(model, "116000000001"))
    assert content.splitlines()[1] == b"US,Sales,Works,US Dollar,Actual,Oct 26,7"


def test_apapi_asks_with_mapping_parameters(api: apapi.Connection, instant: Any) -> None:
    """An import that asks for the version gets it."""
    instant.model = "Lab"
    model = instant.ids["id"]
    api.put_file(model, "113000000003", "Product;Region;Month;Revenue\n".encode("utf-16-le"))
    reply = api.run_import(model, "112000000003", {"Version": "Actual"})
    task = api.get_import_task(model, "112000000003", reply.json()["task"]["taskId"]).json()["task"]
    assert task["result"]["successful"]
    api.run_action(model, "117000000001")


def test_apapi_reads_structure_and_large_views(api: apapi.Connection, instant: Any) -> None:
    """Every listing answers; a large read has its pages; the token is validated and renewed."""
    model, workspace = instant.ids["id"], instant.ids["workspace"]
    assert api.authentication.validate_token()
    api.authentication.refresh_token()
    for reply in (
        api.get_me(), api.get_workspaces(), api.get_workspace(workspace), api.get_models(),
        api.get_workspace_models(workspace), api.get_model(model), api.get_model_status(model),
        api.get_imports(model), api.get_exports(model), api.get_actions(model),
        api.get_processes(model), api.get_files(model), api.get_import(model, "112000000001"),
        api.get_export(model, "116000000001"), api.get_process(model, "118000000001"),
        api.get_versions(model), api.get_current_period(model), api.get_fiscal_year(model),
        api.get_lists(model), api.get_list(model, "101000000001"), api.get_modules(model),
        api.get_list_items(model, "101000000001"), api.get_lineitems(model),
        api.get_views(model), api.get_view_dimensions(model, "102000000001"),
        api.get_cell_data(model, "102000000001"),
    ):  # fmt: skip
        assert reply.status_code == 200, reply.url
    started = api.start_large_list_read(model, "101000000001").json()["listReadRequest"]
    page = api.get_large_list_read_data(model, "101000000001", started["requestId"], "0")
    assert page.text.startswith("id,name,code")
