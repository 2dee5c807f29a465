"""Settings of a connection to one AIS server; every fault is told with what is allowed."""

import re
from datetime import date
from pathlib import Path
from typing import Annotated, Final, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, field_validator, model_validator

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
    """User and password; the usual choice for a service.

    Attributes:
        method: Log in with user and password.
        user: Name of the JD Edwards user.
        password: Reference to the password.
        environment: Such as JPD920; empty: the AIS server's default.
        role: Such as *ALL; empty: the AIS server's default.
    """

    method: Literal["password"] = "password"
    user: Text
    password: SecretReference
    environment: str = ""
    role: str = ""


class JwtLogin(StrictSettings):
    """A signed token of an identity service that the AIS server trusts.

    Attributes:
        method: Log in with a signed token.
        token: Reference to the token; it is read anew at each log-in.
        environment: Such as JPD920; empty: the AIS server's default.
        role: Such as *ALL; empty: the AIS server's default.
    """

    method: Literal["jwt"] = "jwt"
    token: SecretReference
    environment: str = ""
    role: str = ""


Login = Annotated[PasswordLogin | JwtLogin, Field(discriminator="method")]


class AccountTypeRange(StrictSettings):
    """Object accounts of one type; JD Edwards itself does not store what type an account is.

    Attributes:
        first: First object account, included.
        last: Last object account, included.
        type: What its amounts are.
    """

    first: Text
    last: Text
    type: Literal["asset", "liability", "equity", "revenue", "expense", "statistical"]

    @model_validator(mode="after")
    def _verify_order(self) -> "AccountTypeRange":
        if self.first > self.last:
            raise ValueError(f"the range ends before it begins: {self.first} to {self.last}")
        return self


class JdeSettings(StrictSettings):
    """One connection: where the AIS server is, how to log in, which books are read.

    Attributes:
        kind: This is a connection to JD Edwards.
        name: The connection's name; the file's name gives it.
        ais_url: Any https address, with a proxy's path prefix if there is one; http on this
            machine only.
        auth: How to log in.
        device_name: What the log-in is tied to; keep it, for each new name is a new session. Empty:
            made from the connection's name.
        ledger_types: Ledger types whose lines are read.
        companies: Companies whose books are read; none named: all the user may see.
        first_gl_date: Lines with an earlier GL date are never looked at.
        account_types: Ranges of object accounts and what type they are.
        account_categories: Category codes of accounts that become facts, R001 to R043.
        business_unit_categories: Category codes of business units that become facts, RP01 to RP50.
        page_size: Lines asked for per page.
        parallel_max: Reads under way at once; two are customary.
        overlap_days: Days that each look for changes reaches back behind the last one.
        ca_bundle: PEM file of further certificate authorities.
        requests_per_minute: Shared by all processes; without it there is no such limit.
    """

    kind: Literal["jde"] = "jde"
    name: Text
    ais_url: AisUrl
    auth: Login
    device_name: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{0,50}$")] = ""
    ledger_types: Annotated[tuple[LedgerType, ...], Field(min_length=1)] = (ACTUALS,)
    companies: tuple[Company, ...] = ()
    first_gl_date: date = FIRST_GL_DATE
    account_types: tuple[AccountTypeRange, ...] = ()
    account_categories: tuple[Annotated[str, Field(pattern=r"^R0\d\d$")], ...] = ()
    business_unit_categories: tuple[Annotated[str, Field(pattern=r"^RP\d\d$")], ...] = ()
    page_size: Annotated[int, Field(ge=1, le=PAGE_ROWS_MAX)] = 2000
    parallel_max: Annotated[int, Field(ge=1, le=PARALLEL_MAX)] = 2
    overlap_days: Annotated[int, Field(ge=2, le=366)] = 2
    ca_bundle: Path | None = None
    requests_per_minute: Annotated[int, Field(ge=1, le=100_000)] | None = None

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
        for before, after in zip(ordered, ordered[1:], strict=False):
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

    def find_account_type(self, object_account: str) -> str | None:
        """The configured type of an object account."""
        found = (one.type for one in self.account_types if one.first <= object_account <= one.last)
        return next(found, None)
