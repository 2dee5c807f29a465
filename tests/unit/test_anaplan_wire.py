"""Bodies of the Integration API: the contract's samples, and how much leniency they need."""

from datetime import UTC, datetime

import pytest

from ml_connector.systems.anaplan import wire
from ml_connector.systems.anaplan.lenient import OffContractError, parse_int, parse_millis

TASK = b"""{"meta":{"schema":"objects/task"},"status":{"code":200,"message":"Success"},
 "task":{"type":"taskInformation","taskId":"1B1D84DDD53847BAA621810B593C3FC1","taskState":"COMPLETE",
  "currentStep":"Complete.","progress":1.0,"creationTime":1571258347545,
  "result":{"successful":true,"failureDumpAvailable":false,"objectId":"112000000009",
   "objectName":"Employees from file",
   "details":[{"type":"hierarchyRowsProcessed",
     "localMessageText":"Employees: 90 (0/90) rows successful, 5 ignored ","occurrences":0,
     "values":["hierarchyName","Employees","successRowCount","90","ignoredCount","5"]}],
   "nestedResults":[]}}}"""
FILES = b"""{"files":[{"id":"113000000000","name":"Employees.csv","chunkCount":0,"delimiter":"\\"",
  "encoding":"ISO-8859-1","firstDataRow":2,"format":"txt","headerRow":1,"separator":","},
  {"id":"116000000001","name":"Grid - ORG.xls","chunkCount":1,"firstDataRow":0,"headerRow":0}]}"""
IMPORT = b"""{"importMetadata":{"name":"Org","type":"FILE","source":{"textEncoding":"ISO-8859-1",
  "columnSeparator":"\\t","textDelimiter":"\\"","headerRow":1,"firstDataRow":2,
  "decimalSeparator":".","headerNames":["Name","Parent","Code"],"columnCount":3}}}"""


def test_task_sample_is_read_whole() -> None:
    """State, time, flags and the flat list of values come out of the contract's own sample."""
    task = wire.parse_task(TASK)
    assert task.task_id == "1B1D84DDD53847BAA621810B593C3FC1"
    assert task.task_state == "COMPLETE"
    assert task.created_at == datetime(2019, 10, 16, 20, 39, 7, 545000, tzinfo=UTC)
    assert task.result is not None
    assert task.result.successful
    assert task.result.details[0].find_count("ignoredCount") == 5
    assert task.result.details[0].find_count("failedCount") is None


@pytest.mark.parametrize(
    "body",
    [
        b'{"task":{"taskId":"AB1","taskState":"NOT_STARTED","creationTime":1571258416552}}',
        b'{"status":{"code":200},"task":{"taskId":"AB1"}}',
        b'{"taskId":"AB1"}',
    ],
)
def test_task_id_is_found_nested_and_at_the_top(body: bytes) -> None:
    """All three shapes of a start's answer name the task."""
    assert wire.parse_task(body).task_id == "AB1"


def test_nulls_numbers_and_unknown_fields_are_borne() -> None:
    """A null is an absent key, a number where an id belongs its text; the rest is passed over."""
    task = wire.parse_task(
        b'{"task":{"taskId":17,"taskState":null,"progress":1,"creationTime":"1571258416552",'
        b'"fresh":{"x":1},"result":{"successful":true,"objectId":112000000009,"details":['
        b'{"type":"serverAlert","values":["serverAlert",null,"failedCount",3,null,"x","odd"]}],'
        b'"nestedResults":null}}}'
    )
    assert task.task_id == "17"
    assert task.task_state == ""
    assert task.created_at is not None
    assert task.result is not None
    assert task.result.object_id == "112000000009"
    assert task.result.details[0].value_map == {"failedCount": "3"}
    assert task.result.nested_results == []


@pytest.mark.parametrize(("text", "number"), [("5", 5), ("5.0", 5), ("5e0", 5), ("-1", -1)])
def test_whole_numbers_are_read_in_any_spelling(text: str, number: int) -> None:
    """Counters may be spelled as decimals."""
    assert parse_int(text) == number


@pytest.mark.parametrize("text", ["", "5.5", "many", "NaN", "Infinity"])
def test_other_texts_are_no_number(text: str) -> None:
    """What is no whole number counts as not told."""
    assert parse_int(text) is None


@pytest.mark.parametrize("text", ["", "0", "-5", "9" * 30, "soon"])
def test_senseless_instants_are_none(text: str) -> None:
    """A time that cannot be one is not told, rather than a fault."""
    assert parse_millis(text) is None


def test_files_keep_how_they_are_parsed() -> None:
    """Sources carry separator, delimiter and encoding; outputs of exports do not."""
    source, output = wire.parse_page(FILES, "files", wire.File).rows
    assert (source.separator, source.delimiter, source.encoding) == (",", '"', "ISO-8859-1")
    assert (output.separator, output.chunk_count) == ("", "1")


def test_absent_collections_are_empty_and_totals_unknown() -> None:
    """The service drops the key, and the paging block, of an empty collection."""
    page = wire.parse_page(b'{"status":{"code":200}}', "items", wire.Named)
    assert page == wire.Page(rows=[], total=None)
    paged = wire.parse_page(b'{"meta":{"paging":{"totalSize":0}}}', "items", wire.Named)
    assert paged.total == 0
    assert list(wire.parse_list_items(b'{"meta":{}}')) == []
    assert list(wire.parse_list_items(b'{"listItems":null}')) == []


def test_task_list_may_be_a_single_task() -> None:
    """One of the vendor's samples has `task` where `tasks` belongs."""
    assert [t.task_id for t in wire.parse_tasks(b'{"task":{"taskId":"A"}}').rows] == ["A"]
    assert [t.task_id for t in wire.parse_tasks(b'{"tasks":[{"taskId":"A"}]}').rows] == ["A"]
    assert wire.parse_tasks(b"{}").rows == []


def test_import_shape_is_read() -> None:
    """Header names and the characters between fields come from the definition."""
    source = wire.parse_import(IMPORT).source
    assert source.header_names == ["Name", "Parent", "Code"]
    assert source.column_separator == "\t"


@pytest.mark.parametrize(
    ("source", "file_id"),
    [("113000000006", "113000000006"), ("", ""), ("102000000001", ""), ("F1A2B3C4", "")],
)
def test_import_without_a_file_has_no_file_id(source: str, file_id: str) -> None:
    """Only ids of data sources are files; model-to-model imports name something else."""
    assert wire.Import(id="112000000001", import_data_source_id=source).file_id == file_id


def test_model_status_comes_without_envelope() -> None:
    """The bare shape of the status call is read."""
    body = (
        b'{"requestStatus":{"currentStep":"Open","progress":-1.0,"creationTime":1786576465308,'
        b'"taskId":null,"tooltip":null}}'
    )
    assert wire.parse_model_status(body).current_step == "Open"


def test_list_item_ids_stay_text_or_become_it() -> None:
    """A code that comes as a bare number is still read."""
    item = next(wire.parse_list_items(b'{"listItems":[{"id":206000000001,"name":"a","code":7}]}'))
    assert (item.code, item.parent) == (7, None)


@pytest.mark.parametrize(
    ("body", "word"),
    [
        (b"", "empty body"),
        (b"<html><title>502</title></html>", "HTML"),
        (b'{"task":{"taskId":"AB', "cannot be read"),
        (b"[]", "list"),
        (b'{"task":[1]}', "task"),
        (b'{"task":{"result":{"successful":"maybe"}}}', "task"),
        (b"\xff\xfe", "cannot be read"),
        (b"[" * 100_000, "cannot be read"),
    ],
)
def test_other_bodies_are_off_contract(body: bytes, word: str) -> None:
    """Cut JSON, HTML and other frames are refused with what they are."""
    with pytest.raises(OffContractError, match=word):
        wire.parse_task(body)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b'{"status":{"code":404,"message":"Not Found"},"path":"/x"}', "Not Found"),
        (b'{"status":"FAILURE_BAD_CREDENTIAL","statusMessage":"No."}', "No."),
        (b"<html>", ""),
        (b"", ""),
        (b'{"status":{"code":404,"mess', ""),
    ],
)
def test_error_words_are_found_where_there_are_any(body: bytes, words: str) -> None:
    """Error bodies are never trusted to be JSON."""
    assert wire.parse_error_text(body) == words


def test_request_bodies_are_the_contracts() -> None:
    """Chunk count, completion and start are spelled as the service wants them."""
    assert wire.render_chunk_count(3) == b'{"chunkCount": 3}'
    assert wire.render_complete("113000000001") == b'{"id": "113000000001"}'
    assert wire.render_task("en_US") == b'{"localeName": "en_US"}'
