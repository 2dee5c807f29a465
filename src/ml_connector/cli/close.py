"""The command that says where the close stands, as the page Close does."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter, validators

from ml_connector.cli.options import Options, Output, opened, output_of
from ml_connector.cli.output import hint, render_rows, say, show, show_json

if TYPE_CHECKING:
    from ml_connector.flows.answers.cockpit import Cell
    from ml_connector.wiring.close import CloseAnswer

FIRST_YEAR, LAST_YEAR = 1990, 2200
COLUMNS_SHOWN = 6
"""Newest planning periods of a grid in a terminal; files and the page show more."""
Year = Annotated[
    int,
    Parameter(
        help="Periods of this year; default: the last half year.",
        validator=validators.Number(gte=FIRST_YEAR, lte=LAST_YEAR),
    ),
]


def close(
    *,
    flow: Annotated[str, Parameter(help="Of this flow only.")] = "",
    year: Year | None = None,
    open_: Annotated[
        bool, Parameter(name="--open", negative=(), help="Only what is left to do.")
    ] = False,
    options: Options | None = None,
) -> int:
    """Show where the close stands: companies and periods, what is late, what is at stake."""
    output = output_of(options)
    with opened(options) as house:
        if flow:
            house.flow(flow)
        answer = house.load_close(flow=flow, year=year or 0)
        kinds = {name: its.kind for name, its in house.project.flows.items()}
    cells = [cell for cell in answer.cells if cell.is_open or not open_]
    if output == "json":
        show_json(_render(answer, cells))
    elif output == "csv":
        from ml_connector.flows.answers.cockpit_listings import (  # noqa: PLC0415 - start-up time.
            list_standings,
        )

        # One table per CSV: the whole list, which the others are made of.
        show(list_standings(cells), output)
    else:
        _show(answer, cells, kinds=kinds, output=output)
    return 0


def _show(
    answer: "CloseAnswer", cells: "list[Cell]", *, kinds: Mapping[str, str], output: Output
) -> None:
    from ml_connector.flows.answers import cockpit  # noqa: PLC0415 - start-up time.
    from ml_connector.flows.answers import cockpit_listings as tables  # noqa: PLC0415 - as above.

    counts = cockpit.count_cells(answer.cells, answer.today)
    say(tables.tell_counts(counts))
    if answer.never_run:
        say(f"Never run, so late for nothing: {', '.join(answer.never_run)}.")
    if not answer.cells:
        hint("let a run look at some: `ml-connector run FLOW --month 2026-10`")
        return
    stakes = cockpit.sum_stakes(cell.standing for cell in answer.cells if cell.standing)
    say(tables.tell_stakes(stakes))
    show(tables.list_stakes(stakes), output)
    for grid in cockpit.make_grids(cells, kinds, columns_max=COLUMNS_SHOWN):
        _show_titled(f"{grid.flow}: {grid.tied[0]} of {grid.tied[1]} tie out", output)
        show(tables.list_grid(grid), output)
    late = cockpit.list_late(answer.cells, answer.today)
    _show_titled(f"Late: {counts.late}", output)
    show(tables.list_late_cells(late, today=answer.today, days=answer.days), output)
    if answer.burn_down:
        _show_titled(tables.tell_burn_down(answer.burn_down), output)
        show(tables.list_burn_down(answer.burn_down), output)


def _show_titled(title: str, output: Output) -> None:
    print(f"\n**{title}**\n" if output == "markdown" else f"\n{title}")


def _render(answer: "CloseAnswer", cells: "list[Cell]") -> dict[str, Any]:
    from ml_connector.flows.answers import cockpit  # noqa: PLC0415 - start-up time.
    from ml_connector.flows.answers import cockpit_listings as tables  # noqa: PLC0415 - as above.

    counts = cockpit.count_cells(answer.cells, answer.today)
    stakes = cockpit.sum_stakes(cell.standing for cell in answer.cells if cell.standing)
    late = cockpit.list_late(answer.cells, answer.today)
    burnt = answer.burn_down
    return {
        "today": answer.today, "periods": counts.periods, "tied": counts.tied,
        "late": counts.late, "differing": counts.differing,
        "stakes": render_rows(tables.list_stakes(stakes)),
        "late_periods": render_rows(
            tables.list_late_cells(late, today=answer.today, days=answer.days, most=len(late))
        ),
        "burn_down": burnt and {
            "month": burnt.month, "total": burnt.total,
            "days": render_rows(tables.list_burn_down(burnt)),
        },
        "standings": render_rows(tables.list_standings(cells)),
    }  # fmt: skip
