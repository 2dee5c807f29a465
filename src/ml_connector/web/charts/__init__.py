"""Charts: drawn on the server as SVG, light and dark, each with its numbers as a table beside it.

A page makes charts of a typed few, hands them to its template, and answers for their pictures:

    charts = [
        Chart(
            name="bridge",                      # within the page, and of its picture
            title="From the ERP to the model",
            alt="ERP 1,200.00 USD, unmapped 7.00, model 1,193.00.",
            spec=plot_waterfall(steps, currency="USD"),
            table=Table(name="bridge-table", title="Bridge", listing=listing),
        )
    ]
    return (
        find_chart(request, charts)             # ?chart=bridge: the picture
        or find_file(request, tables)           # tables of charts among them: [one.table for ...]
        or render(request, "pages/x.html", {"charts": charts})
    )

and in its template: `{% for chart in charts %}{% include "pages/chart.html" %}{% endfor %}`, with
`pages/charts.css` among its styles. A page that asks much may begin with `find_drawn(request)`: a
picture that this process still knows is answered without asking anything.

Amounts are plotted from exact text and labelled by it; nothing is rounded but where a bar ends, to
the pixel, and in the narrow fields of a heat map, which says so. `plots.py` says what kinds there
are; `themes.py` knows the colours of the pages.
"""

from ml_connector.web.charts.drawing import Chart, find_chart, find_drawn, warm_up
from ml_connector.web.charts.plots import (
    Bar,
    Heat,
    Point,
    Slice,
    Step,
    plot_bars,
    plot_burn_down,
    plot_columns,
    plot_heat,
    plot_line,
    plot_pareto,
    plot_stack,
    plot_waterfall,
)

__all__ = [
    "Bar",
    "Chart",
    "Heat",
    "Point",
    "Slice",
    "Step",
    "find_chart",
    "find_drawn",
    "plot_bars",
    "plot_burn_down",
    "plot_columns",
    "plot_heat",
    "plot_line",
    "plot_pareto",
    "plot_stack",
    "plot_waterfall",
    "warm_up",
]
