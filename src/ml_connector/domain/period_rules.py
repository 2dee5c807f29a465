"""The members of the model's time dimension that periods become."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from ml_connector.domain.calendars import find_period_of, sort_periods
from ml_connector.domain.periods import AdjustmentRule, Period
from ml_connector.errors import BlockedError, SettingsError

_MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip

_TOKENS: dict[str, Callable[[Period], str]] = {
    "%b": lambda p: _MONTHS[p.date_last.month - 1][:3],
    "%B": lambda p: _MONTHS[p.date_last.month - 1],
    "%m": lambda p: f"{p.date_last.month:02d}",
    "%y": lambda p: f"{p.date_last.year % 100:02d}",
    "%Y": lambda p: f"{p.date_last.year:04d}",
    "%%": lambda _: "%",
    "{year}": lambda p: f"{p.year:04d}",
    "{year:02}": lambda p: f"{p.year % 100:02d}",
    "{number}": lambda p: str(p.number),
    "{number:02}": lambda p: f"{p.number:02d}",
    "{name}": lambda p: p.name,
}
"""What a pattern may hold; months are English whatever the machine's language is."""

_TOKEN = re.compile(r"%.?|\{[^{}]*\}?|\}", re.DOTALL)


class PeriodPatternError(SettingsError):
    """A period pattern holds a sign that stands for nothing."""

    code = "periods.pattern"


class PeriodBlockedError(BlockedError):
    """A period has no member in the model, and only a person can say which."""

    code = "periods.no-member"


class PeriodClashError(SettingsError):
    """Several periods of one ledger would become the same member though no rule says so."""

    code = "periods.clash"


@dataclass(frozen=True, slots=True, kw_only=True)
class PeriodRule:
    """How the periods of a ledger become members of the model's time dimension.

    Attributes:
        pattern: Of regular periods: `%b %y` (Oct 26), `%B`, `%m`, `%Y` of the month a period ends
            in; `{year}`, `{year:02}`, `{number}`, `{number:02}`, `{name}` of the fiscal calendar.
        adjustment: What becomes of adjustment periods.
        adjustment_pattern: Their members where they have their own.
        overrides: Members by period name or fiscal name; they win over everything else.
    """

    pattern: str = "%b %y"
    adjustment: AdjustmentRule = AdjustmentRule.BLOCK
    adjustment_pattern: str = ""
    overrides: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for text in (self.pattern, self.adjustment_pattern):
            if unknown := [token for token in _TOKEN.findall(text) if token not in _TOKENS]:
                raise PeriodPatternError(
                    f"The period pattern {text!r} holds {', '.join(map(repr, unknown))}.",
                    written="Nothing was read or sent.",
                    next_step=f"Use only {' '.join(_TOKENS)} and plain text.",
                    pattern=text,
                )

    def target_member(self, period: Period, *, periods: Iterable[Period]) -> str | None:
        """The member a period's amounts go to; None when the rule leaves the period out.

        Args:
            period: The period to place.
            periods: All periods of its calendar; a folded period is looked for among them.

        Raises:
            PeriodBlockedError: Only a new setting can say where the period goes; names it.
        """
        override = self.overrides.get(period.name) or self.overrides.get(period.fiscal_name)
        if override:
            return override
        if not period.is_adjustment:
            return _render(self.pattern, period)
        match self.adjustment:
            case AdjustmentRule.EXCLUDE:
                return None
            case AdjustmentRule.FOLD:
                return self._fold(period, periods)
            case AdjustmentRule.OWN if self.adjustment_pattern:
                return _render(self.adjustment_pattern, period)
            case AdjustmentRule.OWN:
                raise _block(period, "has no member of its own yet", "the member as an override")
            case AdjustmentRule.BLOCK:
                rules = ", ".join(rule for rule in AdjustmentRule if rule != AdjustmentRule.BLOCK)
                raise _block(
                    period, "has no rule", f"`adjustment` to one of {rules}, or an override"
                )

    def _fold(self, period: Period, periods: Iterable[Period]) -> str | None:
        same = (other for other in periods if other.calendar == period.calendar)
        regular = find_period_of(period.date_last, periods=same)
        if regular is None:
            raise _block(period, f"ends on {period.date_last}, in no regular period", "an override")
        return self.target_member(regular, periods=())


def verify_period_rule(rule: PeriodRule, *, periods: Sequence[Period]) -> None:
    """Every regular period of one calendar has a member of its own.

    Periods share a member only where an adjustment is folded or an override says so; a pattern
    that gives two periods the same name, as `%b` or a month of two short periods, is refused.

    Raises:
        PeriodClashError: Lists every member that several periods would share.
    """
    sharing: dict[str, list[str]] = {}
    for period in sort_periods(periods):
        is_named = period.name in rule.overrides or period.fiscal_name in rule.overrides
        if not period.is_adjustment and not is_named:
            sharing.setdefault(_render(rule.pattern, period), []).append(period.name)
    clashes = [f"{m} ({', '.join(names)})" for m, names in sharing.items() if len(names) > 1]
    if clashes:
        raise PeriodClashError(
            f"The period pattern {rule.pattern!r} gives several periods one member:"
            f" {'; '.join(clashes)}.",
            written="Nothing was read or sent.",
            next_step="Choose a pattern with year and number, or name the periods' overrides.",
            pattern=rule.pattern,
        )


def _render(pattern: str, period: Period) -> str:
    return _TOKEN.sub(lambda token: _TOKENS[token[0]](period), pattern)


def _block(period: Period, fault: str, setting: str) -> PeriodBlockedError:
    return PeriodBlockedError(
        f"The period {period.name!r} ({period.fiscal_name}, {period.date_first} to"
        f" {period.date_last}) {fault}.",
        written="Nothing of this period was sent.",
        next_step=f"Set {setting} (`{period.name}: MEMBER`) under `periods` of the flow.",
        period=period.name,
    )
