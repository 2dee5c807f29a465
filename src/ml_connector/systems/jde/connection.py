"""Settings of a connection to one AIS server; every fault is told with what is allowed."""

import re
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Final, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, field_validator, model_validator

from ml_connector.systems.jde.dates import UnreadableDateError, build_date_renderer
from ml_connector.systems.jde.translation import build_chart
from ml_connector.systems.settings import SecretReference, StrictSettings, verify_address

SERVICE_ROOT: Final = "/jderest"
ACTUALS: Final = "AA"
PAGE_ROWS_MAX: Final = 50_000
PARALLEL_MAX: Final = 4
FIRST_GL_DATE: Final = date(2000, 1, 1)
_SERVICE_TAIL: Final = re.compile(r"/jderest(/v\d+)?$")
_UNFIT_FOR_DEVICE: Final = re.compile(r"[^A-Za-z0-9._-]+")

Text = Annotated[str, Field(min_length=1)]


def verify_ais_url(text: str) -> str:
    """The address of the AIS server with its path prefix, without `/jderest` and what follows.

    Raises:
        ValueError: It is no https address, or holds a query, a fragment or a user.
    """
    parts = urlsplit(text)
    if parts.query or parts.fragment:
        raise ValueError("more than an address; allowed: https://HOST:PORT or https://HOST/PREFIX")
    origin = verify_address(f"{parts.scheme}://{parts.netloc}")
    path = _SERVICE_TAIL.sub("", parts.path.rstrip("/"))
    if not re.fullmatch(r"(/[A-Za-z0-9._~-]+)*", path) or ".." in path:
        raise ValueError(
            "an odd path; allowed: letters, digits, `.`, `_`, `~`, `-` between slashes"
        )
    return origin + path


def verify_company(text: str) -> str:
    """The company as JD Edwards keeps it: five characters, numbers filled with zeros.

    Raises:
        ValueError: It is none.
    """
    if not re.fullmatch(r"[A-Za-z0-9]{1,5}", text):
        raise ValueError("no company; allowed: up to five letters and digits, such as 00001")
    return text.zfill(5) if text.isdecimal() else text


AisUrl = Annotated[str, AfterValidator(verify_ais_url)]
"""Address of the AIS server, a proxy's path prefix included; `/jderest` may be left out."""

Company = Annotated[str, AfterValidator(verify_company)]
"""Five characters, such as 00001."""

LedgerType = Annotated[str, Field(pattern=r"^[A-Z0-9]{1,2}$")]
"""Code of a ledger type, such as AA or BA."""


class PasswordLogin(StrictSettings):
    """User and password; the usual choice for a service."""

    method: Literal["password"] = "password"
    """Log in with user and password."""
    user: Text
    """Name of the JD Edwards user."""
    password: SecretReference
    """Reference to the password."""
    environment: str = ""
    """Such as JPD920; empty: the AIS server's default."""
    role: str = ""
    """Such as *ALL; empty: the AIS server's default."""


class JwtLogin(StrictSettings):
    """A signed token of an identity service that the AIS server trusts."""

    method: Literal["jwt"] = "jwt"
    """Log in with a signed token."""
    token: SecretReference
    """Reference to the token; it is read anew at each log-in."""
    environment: str = ""
    """Such as JPD920; empty: the AIS server's default."""
    role: str = ""
    """Such as *ALL; empty: the AIS server's default."""


Login = Annotated[PasswordLogin | JwtLogin, Field(discriminator="method")]


class AccountTypeRange(StrictSettings):
    """Object accounts of one type; JD Edwards itself does not store what type an account is."""

    first: Text
    """First object account, included."""
    last: Text
    """Last object account, included."""
    type: Literal["asset", "liability", "equity", "revenue", "expense", "statistical"]
    """What its amounts are."""

    @model_validator(mode="after")
    def _verify_order(self) -> "AccountTypeRange":
        if self.first > self.last:
            raise ValueError(f"the range ends before it begins: {self.first} to {self.last}")
        return self


HEAD_INPUTS: Final = (
    "PlanBatchKey", "Company", "LedgerType", "DocumentType", "GLDate", "Explanation",
    "CurrencyCode", "Lines", "ExpectedLines", "ExpectedDebits", "PostAfterCreate",
)  # fmt: skip
"""Inputs of the orchestration, by the names its specification gives them."""
LINE_INPUTS: Final = (
    "LineNumber", "Account", "AccountId", "Subledger", "SubledgerType", "Amount", "Units",
    "Remark",
)  # fmt: skip
"""Inputs of each of its lines."""
NEEDED_INPUTS: Final = frozenset(
    {"PlanBatchKey", "Company", "LedgerType", "GLDate", "Lines", "Amount"}
)
USER_DATES: Final = "user"


def verify_date_format(text: str) -> str:
    """The date format, if days can be written by it.

    Raises:
        ValueError: They cannot with certainty.
    """
    try:
        build_date_renderer("yyyy-MM-dd" if text == USER_DATES else text, code="", separator="")
    except UnreadableDateError:
        raise ValueError(
            "no certain date format; allowed: `user`, or day, month and four-digit year such as"
            " yyyy-MM-dd"
        ) from None
    return text


class OrchestrationSettings(StrictSettings):
    """The orchestration that enters journals; nothing else is ever written."""

    name: Text = "PLN_PostBudgetJournal"
    """Its name, exactly as Orchestrator Studio has it."""
    input_format: Literal["Generic", "JDE Standard"] | None = None
    """The format its inputs are sent in; without it, what the AIS server tells of it."""
    inputs: dict[str, str] = Field(default_factory=dict)
    """Names of inputs that differ from the specification's, such as `PlanBatchKey: Batch_Key`; an
    empty name leaves the input out."""
    line_inputs: dict[str, str] = Field(default_factory=dict)
    """The same for the inputs of each line, such as `Account: Account_Number`."""
    date_format: Annotated[str, AfterValidator(verify_date_format)] = "yyyy-MM-dd"
    """How its date is written; `user`: as the JD Edwards user writes dates."""
    timeout_s: Annotated[int, Field(ge=30, le=1800)] = 300
    """Seconds its answer is waited for; what it does then goes on without us."""

    @model_validator(mode="after")
    def _verify_inputs(self) -> "OrchestrationSettings":
        for key, known, named in (
            ("inputs", HEAD_INPUTS, self.inputs),
            ("line_inputs", LINE_INPUTS, self.line_inputs),
        ):
            if unknown := sorted(set(named) - set(known)):
                allowed = ", ".join(known)
                raise ValueError(f"{key}: no such input: {', '.join(unknown)}; allowed: {allowed}")
        self._verify_sent()
        return self

    def _verify_sent(self) -> None:
        head, line = self.head_names, self.line_names
        if missing := sorted(NEEDED_INPUTS - set(head) - set(line)):
            raise ValueError(f"left out, but needed: {', '.join(missing)}")
        if not {"Account", "AccountId"} & set(line):
            raise ValueError("left out, but needed: Account or AccountId")
        for names in (list(head.values()), list(line.values())):
            if twice := sorted({name for name in names if names.count(name) > 1}):
                raise ValueError(f"two inputs of one name: {', '.join(twice)}")

    @property
    def head_names(self) -> dict[str, str]:
        """The orchestration's own name of each input that is sent."""
        named = {name: self.inputs.get(name, name) for name in HEAD_INPUTS}
        return {name: own for name, own in named.items() if own}

    @property
    def line_names(self) -> dict[str, str]:
        """The same for the inputs of each line."""
        named = {name: self.line_inputs.get(name, name) for name in LINE_INPUTS}
        return {name: own for name, own in named.items() if own}


class JdeSettings(StrictSettings):
    """One connection: where the AIS server is, how to log in, which books are read."""

    kind: Literal["jde"] = "jde"
    """This is a connection to JD Edwards."""
    name: Text
    """The connection's name; the file's name gives it."""
    ais_url: AisUrl
    """Any https address, with a proxy's path prefix if there is one; http on this machine only."""
    auth: Login
    """How to log in."""
    device_name: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{0,50}$")] = ""
    """What the log-in is tied to; keep it, for each new name is a new session. Empty: made from the
    connection's name."""
    ledger_types: Annotated[tuple[LedgerType, ...], Field(min_length=1)] = (ACTUALS,)
    """Ledger types whose lines are read."""
    companies: tuple[Company, ...] = ()
    """Companies whose books are read; none named: all the user may see."""
    first_gl_date: date = FIRST_GL_DATE
    """Lines with an earlier GL date are never looked at."""
    account_types: tuple[AccountTypeRange, ...] = ()
    """Ranges of object accounts and what type they are."""
    account_categories: tuple[Annotated[str, Field(pattern=r"^R0\d\d$")], ...] = ()
    """Category codes of accounts that become facts, R001 to R043."""
    business_unit_categories: tuple[Annotated[str, Field(pattern=r"^RP\d\d$")], ...] = ()
    """Category codes of business units that become facts, RP01 to RP50."""
    page_size: Annotated[int, Field(ge=1, le=PAGE_ROWS_MAX)] = 2000
    """Lines asked for per page."""
    parallel_max: Annotated[int, Field(ge=1, le=PARALLEL_MAX)] = 2
    """Reads under way at once; two are customary."""
    overlap_days: Annotated[int, Field(ge=2, le=366)] = 2
    """Days that each look for changes reaches back behind the last one."""
    orchestration: OrchestrationSettings = OrchestrationSettings()
    """The orchestration that enters journals; only flows that write need it."""
    ca_bundle: Path | None = None
    """PEM file of further certificate authorities."""
    requests_per_minute: Annotated[int, Field(ge=1, le=100_000)] | None = None
    """Shared by all processes; without it there is no such limit."""

    @field_validator("ledger_types", "companies", "account_categories", "business_unit_categories")
    @classmethod
    def _verify_once(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"named twice: {', '.join(twice)}; allowed: each once")
        return names

    @field_validator("account_types")
    @classmethod
    def _verify_apart(cls, ranges: tuple[AccountTypeRange, ...]) -> tuple[AccountTypeRange, ...]:
        ordered = sorted(ranges, key=lambda one: one.first)
        for before, after in pairwise(ordered):
            if after.first <= before.last:
                raise ValueError(
                    f"the ranges {before.first} to {before.last} and {after.first} to {after.last}"
                    " overlap; allowed: each object account in one range"
                )
        return ranges

    @property
    def origin(self) -> str:
        """Scheme, host and port."""
        parts = urlsplit(self.ais_url)
        return f"{parts.scheme}://{parts.netloc}"

    @property
    def root(self) -> str:
        """Path of the services, such as /prefix/jderest."""
        return urlsplit(self.ais_url).path + SERVICE_ROOT

    @property
    def device(self) -> str:
        """The device name of every log-in; the same for ever (J-02)."""
        fit = _UNFIT_FOR_DEVICE.sub("-", self.name)
        return self.device_name or f"ml-connector-{fit}"[:50]

    def budget_key(self) -> str:
        """The name of the allowance of requests; empty when none is configured."""
        if self.requests_per_minute is None:
            return ""
        return f"jde:{urlsplit(self.ais_url).netloc}"

    @property
    def segments(self) -> frozenset[str]:
        """Names that rules may call what an account id stands for by."""
        chart = build_chart(self.account_categories, self.business_unit_categories)
        return frozenset(chart.segments)

    def find_account_type(self, object_account: str) -> str | None:
        """The configured type of an object account."""
        found = (one.type for one in self.account_types if one.first <= object_account <= one.last)
        return next(found, None)
