"""The settings of calendars: `calendars/*.yaml`, which days are worked.

**API boundary.** The keys are what users write; a key that changes its name or meaning needs a
migration note. Public holidays come from a library, by country; what is worked or not besides
stands in the file.
"""

import difflib
import importlib
from collections.abc import Mapping
from datetime import date, timedelta
from functools import cache
from typing import Any, Literal

from pydantic import Field, model_validator

from ml_connector.settings.flows import Name
from ml_connector.settings.project import Strict

OWN_MAX = 1_000
"""Most own days of one calendar, and most days of one entry."""
NEAR_MAX = 8
"""Subdivisions an unknown one is answered with."""
LANGUAGE = "en_US"
"""Of the holidays' names, where the library has them in it."""
ShortDay = Literal["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]


class OwnDays(Strict):
    """Days off of the company's own."""

    first: date = Field(alias="from")
    """The first of them."""
    last: date | None = Field(default=None, alias="to")
    """The last of them; left out: there is only one."""
    reason: str = "own day off"
    """Why; shown beside the times it moves."""

    @model_validator(mode="after")
    def _verify_order(self) -> "OwnDays":
        days = ((self.last or self.first) - self.first).days
        if days < 0:
            raise ValueError("ends before it begins")
        if days > OWN_MAX:
            raise ValueError(f"is longer than {OWN_MAX:,} days")
        return self

    def list_days(self) -> list[date]:
        """Each of them."""
        days = ((self.last or self.first) - self.first).days
        return [self.first + timedelta(days=one) for one in range(days + 1)]


class CalendarSettings(Strict):
    """Which days are worked, for schedules that count working days or rest on days off."""

    name: Name
    """Name of the calendar; its file bears the same."""
    country: str = ""
    """Country whose public holidays are days off, by its ISO code, such as `DE`; empty: none."""
    subdivision: str = ""
    """State, province or canton, by its ISO code without the country, such as `BY`."""
    weekdays: tuple[ShortDay, ...] = ("Mon", "Tue", "Wed", "Thu", "Fri")
    """Days of the week that are worked."""
    holidays: tuple[OwnDays, ...] = Field(default=(), max_length=OWN_MAX)
    """Days off besides, such as a works holiday: `{from: 2026-12-24, to: 2026-12-31}`."""
    working: tuple[date, ...] = Field(default=(), max_length=OWN_MAX)
    """Days that are worked although they would be off, such as a Saturday before the audit."""

    @model_validator(mode="after")
    def _verify_place(self) -> "CalendarSettings":
        if not self.weekdays:
            raise ValueError("works on no day of the week")
        if self.subdivision and not self.country:
            raise ValueError("names a subdivision and no country")
        if self.country:
            _verify_country(self.country, self.subdivision)
        return self


def find_holiday(country: str, subdivision: str, day: date) -> str:
    """What the public holiday is called; empty where the day is none."""
    return _load_year(country, subdivision, day.year).get(day, "") if country else ""


@cache
def _load_year(country: str, subdivision: str, year: int) -> Mapping[date, str]:
    """The public holidays of a year; where the library has no names in English, in its own."""
    library = _load_library()
    given: dict[str, Any] = {"subdiv": subdivision or None, "years": year, "expand": False}
    known = library.country_holidays(country).supported_languages
    language = LANGUAGE if LANGUAGE in known else None
    return dict(library.country_holidays(country, language=language, **given))


def _verify_country(country: str, subdivision: str) -> None:
    countries: dict[str, Any] = _list_countries()
    if country not in countries:
        near = difflib.get_close_matches(country.upper(), list(countries), n=3, cutoff=0.4)
        offered = f"; did you mean {', '.join(near)}?" if near else ""
        raise ValueError(f"names no country by its ISO code: {country}{offered}")
    known = countries[country]
    if subdivision and subdivision not in known:
        listed = ", ".join(known[:NEAR_MAX]) + (", …" if len(known) > NEAR_MAX else "")
        offered = listed or "none"
        raise ValueError(f"names no subdivision of {country}: {subdivision}; it has: {offered}")


@cache
def _list_countries() -> dict[str, Any]:
    return dict(_load_library().list_supported_countries())


def _load_library() -> Any:
    """Only projects with calendars pay for it at start-up."""
    return importlib.import_module("holidays")
