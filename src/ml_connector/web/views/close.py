"""The close cockpit: every company and period of every flow, and what is at stake."""

from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property, lru_cache
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from ml_connector.flows.answers.cockpit import (
    BurnDown,
    Cell,
    Grid,
    list_late,
    make_grids,
    sum_stakes,
)
from ml_connector.flows.answers.cockpit_listings import (
    LATE_SHOWN,
    list_burn_down,
    list_late_cells,
    list_stakes,
    list_standings,
    name_ledger,
    tell_burn_down,
)
from ml_connector.flows.answers.listing import Tone
from ml_connector.flows.answers.reconciliation_places import render_place
from ml_connector.ports import Right
from ml_connector.ports.standings import ELSEWHERE
from ml_connector.web.charts import Chart, find_chart, find_drawn, plot_burn_down
from ml_connector.web.guards import Asked, needs
from ml_connector.web.tables import ASKED, Table, find_file
from ml_connector.web.templatetags.cells import markup

COLUMNS_MAX = 13
"""Planning periods of one grid: a year and its adjustment."""
ROWS_SHOWN = 60
"""Companies of one flow; a page further shows the next ones."""
FIRST_SHOWN = 15
"""Companies of each flow where all flows are shown."""
CHAINS_MAX = 500
"""Chains of different tones that are kept drawn."""
YEARS_BACK = 4
"""Years that can be chosen."""
FIRST_YEAR, LAST_YEAR = 1990, 2200
"""A year outside of these was typed by mistake."""
CELL = (
    '<a class="cell" href="{way}" title="{ledger} · {period} · {told}">'
    '<span class="chip {tone}">{word}</span> <span class="chain" aria-hidden="true">{chain}</span>'
    '{stake}<span class="unseen">{period}; {told}</span></a>'
)
STAKE = '<span class="stake">{}</span>'


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What the address asks for."""

    flow: str
    year: int
    open_only: bool
    page: int

    @property
    def query(self) -> str:
        """The same as the end of an address."""
        asked = {
            "flow": self.flow,
            "year": self.year or "",
            "open": "yes" if self.open_only else "",
        }
        return urlencode({name: value for name, value in asked.items() if value})


@needs(Right.SEE)
def show_close(request: Asked) -> HttpResponse:
    """Where the close stands: totals in money, the grid of each flow, what is late."""
    if drawn := find_drawn(request):
        return drawn
    wanted = read_wanted(request, sorted(request.house.project.flows))
    answer = request.house.load_close(flow=wanted.flow, year=wanted.year)
    cells = answer.cells
    stakes = sum_stakes(cell.standing for cell in cells if cell.standing)
    late = list_late(cells, answer.today)
    charts = [_chart_burn_down(answer.burn_down)] if answer.burn_down else []
    # The whole list is for files alone; a page of thousands of cells makes no rows of it.
    listed = list_standings(cells if request.GET.get(ASKED) else ())
    tables = {
        "late": Table(
            name="late", title=_tell_late(len(late)),
            listing=list_late_cells(late, today=answer.today, days=answer.days),
        ),
        "stakes": Table(name="stakes", title="At stake", listing=list_stakes(stakes)),
        "standings": Table(name="standings", title="Periods", listing=listed),
    }  # fmt: skip
    files = [*tables.values(), *(chart.table for chart in charts)]
    if found := find_chart(request, charts) or find_file(request, files):
        return found
    flows = request.house.project.flows
    shown = {
        "wanted": wanted, "flows": sorted(flows), "stakes": stakes, "charts": charts, **tables,
        "years": list(range(answer.today.year, answer.today.year - YEARS_BACK, -1)),
        "grids": [
            _Shown(grid=grid, wanted=wanted)
            for grid in make_grids(
                cells, {name: its.kind for name, its in flows.items()}, columns_max=COLUMNS_MAX
            )
        ],
        "never_run": answer.never_run, "counts": _count(cells, late),
        "more": f"&{wanted.query}" if wanted.query else "",
    }  # fmt: skip
    return render(request, "pages/close.html", shown)


def read_wanted(request: HttpRequest, flows: list[str]) -> Wanted:
    """What was asked for; what makes no sense counts as not asked."""
    flow, year = request.GET.get("flow", ""), request.GET.get("year", "")
    page = request.GET.get("page", "1")
    is_year = year.isdecimal() and FIRST_YEAR <= int(year[:5]) <= LAST_YEAR
    return Wanted(
        flow=flow if flow in flows else "",
        year=int(year) if is_year else 0,
        open_only=request.GET.get("open") == "yes",
        page=max(int(page[:5]), 1) if page.isdecimal() else 1,
    )


def _tell_late(number: int) -> str:
    """The title of what is late: how much, and how much of it is shown."""
    shown = f", the worst {LATE_SHOWN} of them" if number > LATE_SHOWN else ""
    return f"Late: {number}{shown}" if number else "Late"


def _count(cells: tuple[Cell, ...], late: list[Cell]) -> list[tuple[str, int, str]]:
    """Counts above the grids, with the tone of each."""
    open_cells = [cell for cell in cells if cell.is_open]
    differing = sum(cell.state.tone is Tone.WRONG for cell in cells)
    return [
        ("periods", len(cells), Tone.IDLE),
        ("tie out", len(cells) - len(open_cells), Tone.GOOD),
        ("late", len(late), Tone.WAITS if late else Tone.IDLE),
        ("differ", differing, Tone.WRONG if differing else Tone.IDLE),
    ]


@dataclass(frozen=True, kw_only=True)
class _Shown:
    """A grid as the page shows it: one page of its companies."""

    grid: Grid
    wanted: Wanted

    @cached_property
    def rows(self) -> list[tuple[str, list[list[SafeString]]]]:
        """Companies with what stands in their cells."""
        start = (self.page - 1) * self.most
        return [
            (
                name_ledger(ledger),
                [[_draw_cell(one) for one in its] for _, its in its_cells],
            )
            for ledger, its_cells in self._chosen[start : start + self.most]
        ]

    @property
    def most(self) -> int:
        """Companies shown at once: few of each flow where all flows are."""
        return ROWS_SHOWN if self.wanted.flow else FIRST_SHOWN

    @property
    def page(self) -> int:
        """The page that is shown: the last one where too late a one was asked for."""
        return min(self.wanted.page, self.pages)

    @property
    def pages(self) -> int:
        """Pages of companies."""
        return max(-(-len(self._chosen) // self.most), 1)

    @property
    def ways(self) -> list[tuple[str, str]]:
        """Ways to the pages before and after."""
        asked = replace(self.wanted, flow=self.grid.flow).query
        if not self.wanted.flow:
            return [(f"All {self.ledgers} ledgers", f"?{asked}")]
        others = (("Ledgers before", self.page - 1), ("Further ledgers", self.page + 1))
        return [(text, f"?{asked}&page={page}") for text, page in others if 1 <= page <= self.pages]

    @property
    def ledgers(self) -> int:
        """Companies the filter leaves."""
        return len(self._chosen)

    @cached_property
    def _chosen(self) -> list[tuple[str, list[tuple[str, tuple[Cell, ...]]]]]:
        rows = self.grid.rows
        is_open = {ledger: any(c.is_open for _, its in row for c in its) for ledger, row in rows}
        if self.wanted.open_only:
            return [row for row in rows if is_open[row[0]]]
        if self.wanted.flow or len(rows) <= self.most:
            return rows
        # Where only the first ones are shown, those that need somebody are the first.
        return sorted(rows, key=lambda row: not is_open[row[0]])


def _draw_cell(cell: Cell) -> SafeString:
    """A period of a company as markup: made here, for the grid has hundreds of them."""
    stake, told = cell.stake, _tell(cell)
    return format_html(
        CELL, way=_find_way(cell), ledger=cell.ledger, period=cell.period, told=told,
        tone=cell.state.tone.value, word=cell.state.word,
        chain=_draw_chain(tuple(state.tone for _, state in cell.chain)),
        stake=format_html(STAKE, markup(stake)) if stake else "",
    )  # fmt: skip


def _find_way(cell: Cell) -> str:
    """To the period's reconciliation, or the run that looked at it last."""
    if cell.standing is None:
        return reverse("flow", args=[cell.flow])
    if cell.ledger in ELSEWHERE:
        return reverse("run", args=[cell.standing.run_id])
    return reverse("reconciliation-period", args=[render_place(cell.standing)])


@lru_cache(maxsize=CHAINS_MAX)
def _draw_chain(tones: tuple[Tone, ...]) -> SafeString:
    """A mark for each stage; its words stand beside it for whoever hears the page."""
    return format_html_join("", '<i class="{}"></i>', ((tone.value,) for tone in tones))


def _tell(cell: Cell) -> str:
    """The chain in words, for the pointer and for whoever hears the page."""
    return "; ".join(f"{name}: {state.word}" for name, state in cell.chain)


def _chart_burn_down(burnt: BurnDown) -> Chart:
    return Chart(
        name="burn-down",
        title=f"Close of {date.fromisoformat(burnt.month + '-01'):%B %Y}",
        alt=tell_burn_down(burnt),
        spec=plot_burn_down(burnt.days, planned=burnt.planned),
        table=Table(
            name="burn-down-table", title="Periods left by working day",
            listing=list_burn_down(burnt),
        ),
    )  # fmt: skip
