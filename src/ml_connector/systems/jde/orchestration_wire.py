"""The orchestration's side of the wire: its inputs out, its answers in.

Customers build the orchestration themselves. Answers are therefore read in every shape it may
give: named outputs, the raw steps behind them, numbers as text.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Final

import msgspec

from ml_connector.domain.journals import Journal
from ml_connector.domain.money import render_plain
from ml_connector.ports import JournalHead
from ml_connector.systems.jde.answers import DEPTH_MAX, decode_object
from ml_connector.systems.jde.connection import OrchestrationSettings
from ml_connector.systems.jde.translation import parse_ledger
from ml_connector.systems.jde.wire import find_words

GENERIC: Final = "Generic"
STANDARD: Final = "JDE Standard"
FORMATS: Final = {name.casefold(): name for name in (GENERIC, STANDARD)}
TEXT_MAX: Final = 30
"""Characters of an explanation or remark that the account ledger keeps."""
WORDS_MAX: Final = 20
WORD_CHARACTERS_MAX: Final = 300
OUTPUTS: Final = ("Result", "BatchNumber", "DocumentNumber")
"""Named outputs without which an answer does not tell."""
_LINES: Final = "Lines"
_RAW_COLUMNS: Final = {
    "BatchType": "F0911_ICUT",
    "BatchNumber": "F0911_ICU",
    "DocumentType": "F0911_DCT",
    "DocumentNumber": "F0911_DOC",
    "DocumentCompany": "F0911_KCO",
}
"""What a step that reads the ledger shows of an output that has no name (J-63)."""
_SAID: Final = ("TITLE", "DESC", "message", "userDefinedErrorText")


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """How the orchestration wants its inputs."""

    input_format: str
    settings: OrchestrationSettings
    render_date: Callable[[date], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What an orchestration answered; empty texts and noughts where it does not say.

    `is_named` when the result has a name; `is_failed` when the server calls the run a failure.
    """

    result: str
    is_failed: bool
    batch_type: str
    batch_number: int
    document_type: str
    document_number: int
    document_company: str
    lines_written: int | None
    messages: tuple[str, ...]
    words: str


def render_inputs(
    form: Form, journal: Journal, head: JournalHead, *, accounts: Mapping[str, str]
) -> bytes:
    """The body of the call; amounts are the journal's own digits.

    Args:
        form: How the orchestration wants its inputs.
        journal: What is entered.
        head: What it says besides its lines.
        accounts: How people write each account id.
    """
    names = form.settings.head_names
    plain = _build_head(form, journal, head)
    headed = {names[name]: value for name, value in plain.items() if name in names}
    lines = [
        {form.settings.line_names[name]: value for name, value in line.items()}
        for line in _build_lines(form, journal, accounts)
    ]
    if form.input_format == GENERIC:
        return msgspec.json.encode({**headed, names[_LINES]: lines})
    return msgspec.json.encode(
        {
            "inputs": _list_pairs(headed),
            "detailInputs": [
                {
                    "name": names[_LINES],
                    "repeatingInputs": [{"inputs": _list_pairs(line)} for line in lines],
                }
            ],
        }
    )


def _build_head(form: Form, journal: Journal, head: JournalHead) -> dict[str, object]:
    name = parse_ledger(journal.ledger)
    return {
        "PlanBatchKey": head.posting_key,
        "Company": name.company,
        "LedgerType": name.ledger_type,
        "DocumentType": head.document_type,
        "GLDate": form.render_date(journal.gl_date),
        "Explanation": _cut(head.explanation),
        "CurrencyCode": journal.currency,
        "ExpectedLines": len(journal.lines),
        "ExpectedDebits": _render_number(journal.totals.debit),
        "PostAfterCreate": head.post_at_once,
    }


def _build_lines(
    form: Form, journal: Journal, accounts: Mapping[str, str]
) -> list[dict[str, object]]:
    return [
        {
            name: value
            for name, value in {
                "LineNumber": number,
                "Account": accounts[line.account],
                "AccountId": line.account,
                "Subledger": "",
                "SubledgerType": "",
                "Amount": _render_number(line.amount),
                "Units": 0,
                "Remark": _cut(journal.subject),
            }.items()
            if name in form.settings.line_names
        }
        for number, line in enumerate(journal.lines, start=1)
    ]


def _list_pairs(values: Mapping[str, object]) -> list[dict[str, object]]:
    return [{"name": name, "value": value} for name, value in values.items()]


def _render_number(amount: Decimal) -> msgspec.Raw:
    """The amount's own digits as a number: no exponent, and no double on the way."""
    return msgspec.Raw(render_plain(amount).encode())


def _cut(text: str) -> str:
    return " ".join(text.split())[:TEXT_MAX]


def parse_answer(content: bytes) -> Answer:
    """What a success of the orchestration says.

    Raises:
        UnreadableError: It is cut, or of another shape.
    """
    body = decode_object(content)
    told = {name.casefold(): value for name, value in body.items()}

    def find(output: str) -> Any:
        found = told.get(output.casefold())
        return _find_deep(body, _RAW_COLUMNS.get(output, "")) if found is None else found

    return Answer(
        result=_text(told.get("result")).upper(),
        is_failed="ERROR" in {_text(body.get(key)).upper() for key in ("jde__status", "status")},
        batch_type=_text(find("BatchType")),
        batch_number=_number(find("BatchNumber")),
        document_type=_text(find("DocumentType")),
        document_number=_number(find("DocumentNumber")),
        document_company=_text(find("DocumentCompany")),
        lines_written=_number(written) if _text(written := told.get("lineswritten")) else None,
        messages=_list_messages(body, told.get("messages")),
        words=find_words(body),
    )


def _find_deep(body: Any, key: str, *, depth: int = 0) -> Any:
    """The first value under the key, however deep it lies; None when there is none."""
    if depth > DEPTH_MAX or not key:
        return None
    if isinstance(body, dict) and key in body:
        return body[key]
    inner: Iterable[Any] = ()
    if isinstance(body, dict | list):
        inner = body.values() if isinstance(body, dict) else body
    found = (_find_deep(each, key, depth=depth + 1) for each in inner)
    return next((each for each in found if each is not None), None)


def _text(value: Any) -> str:
    return "" if value is None or isinstance(value, dict | list) else str(value).strip()


def _number(value: Any) -> int:
    """A number, written as such or as text (15993.0 too); nought where there is none."""
    text = _text(value).removesuffix(".0")
    return int(text) if text.isascii() and text.isdecimal() else 0


def _list_messages(body: Mapping[str, Any], named: Any) -> tuple[str, ...]:
    """What the orchestration, its forms and the steps it went on from say, each once."""
    warned = body.get("Errors/Warnings")
    said = [*_list_words(named), *_list_words(warned), *_list_words(body.get("continuedOnError"))]
    if _text(body.get("jde__status")).upper() == "WARNING":
        said.append(_text(body.get("jde__simpleMessage")))
    return tuple(dict.fromkeys(each[:WORD_CHARACTERS_MAX] for each in said if each))[:WORDS_MAX]


def _list_words(body: Any, *, depth: int = 0) -> list[str]:
    """Texts in order, and of objects their best words."""
    if depth > DEPTH_MAX:
        return []
    if isinstance(body, str):
        return [body.strip()]
    if isinstance(body, list):
        return [word for each in body for word in _list_words(each, depth=depth + 1)]
    if not isinstance(body, dict):
        return []
    said = [_text(body.get(key)) for key in _SAID]
    best = next(filter(None, said), "")
    if best:
        return [best]
    inner = (each for each in body.values() if isinstance(each, dict | list))
    return [word for each in inner for word in _list_words(each, depth=depth + 1)]
