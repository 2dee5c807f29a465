"""Pictures of charts: drawn once for each content, scheme and width, and kept for a while."""

import hashlib
import json
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from threading import Lock
from typing import TypeVar

from django.http import HttpRequest, HttpResponse

from ml_connector.ports import Json
from ml_connector.web.charts.themes import DARK, LIGHT, make_config, paint
from ml_connector.web.tables import Table

Key = TypeVar("Key")
Value = TypeVar("Value")
PICTURES_MAX = 200
"""Pictures a process keeps, some 20 kB each; the oldest goes first."""
SPECS_MAX = 400
"""Specifications a process keeps for pictures that were not asked for yet."""
WIDTHS = {"wide": 460, "narrow": 250}
"""Pixels of the plot on a screen of each kind; text keeps its size on both."""
ROWS_MAX = 2_000
"""Values of one chart; whoever has more adds them up first."""
SVG = "image/svg+xml"
_DIGEST = 24
"""Characters of a chart's hash in its address."""


@dataclass(frozen=True, kw_only=True)
class Chart:
    """A chart on a page.

    Attributes:
        name: Within the page, and of its picture.
        title: Above it.
        alt: What it shows, in a sentence, for whoever cannot see it.
        spec: Of `plots.py`; amounts in it are text.
        table: The same numbers, exact.
    """

    name: str
    title: str
    alt: str
    spec: Json
    table: Table

    @cached_property
    def digest(self) -> str:
        """The same for the same picture."""
        text = json.dumps(self.spec, sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()[:_DIGEST]

    @property
    def address(self) -> str:
        """What the page's own address is continued with; the picture of a wide, light screen."""
        _keep(_specs, self.digest, self.spec, most=SPECS_MAX)
        return f"chart={self.name}&of={self.digest}"

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to draw."""
        return not self.table.listing.rows


_specs: OrderedDict[str, Json] = OrderedDict()
_pictures: OrderedDict[tuple[str, str, str], str] = OrderedDict()
_guard = Lock()


def find_drawn(request: HttpRequest) -> HttpResponse | None:
    """The picture that was asked for, if this process knows what it shows."""
    digest = request.GET.get("of", "")
    with _guard:
        spec = _specs.get(digest) if "chart" in request.GET else None
    return None if spec is None else _answer(request, digest, spec)


def find_chart(request: HttpRequest, charts: Sequence[Chart]) -> HttpResponse | None:
    """The picture of one of these, if one was asked for: `?chart=NAME&scheme=dark&width=narrow`."""
    wanted = request.GET.get("chart")
    chart = next((one for one in charts if one.name == wanted), None)
    return None if chart is None else _answer(request, chart.digest, chart.spec)


def draw(spec: Json, *, scheme: str = LIGHT, width: str = "wide") -> str:
    """The chart as SVG, in the colours of the scheme; nothing outside of it is asked."""
    import vl_convert  # noqa: PLC0415 - loads a script engine: a tenth of a second, 60 MB.

    rows = spec.get("data", {}).get("values", ())
    assert len(rows) <= ROWS_MAX, "a chart of more values is no chart any more"
    whole = paint(spec, scheme) | {"config": make_config(scheme)}
    whole.setdefault("width", WIDTHS[width])
    whole["$schema"] = "https://vega.github.io/schema/vega-lite/v5.json"
    return vl_convert.vegalite_to_svg(whole, allowed_base_urls=[])


def warm_up() -> None:
    """The script engine is loaded: most of a second, which the first picture would wait for."""
    draw({"data": {"values": [{"at": 1}]}, "mark": "bar", "encoding": {}})


def _answer(request: HttpRequest, digest: str, spec: Json) -> HttpResponse:
    scheme = DARK if request.GET.get("scheme") == DARK else LIGHT
    width = "narrow" if request.GET.get("width") == "narrow" else "wide"
    key = (digest, scheme, width)
    with _guard:
        svg = _pictures.get(key)
    if svg is None:
        svg = draw(spec, scheme=scheme, width=width)
        _keep(_pictures, key, svg, most=PICTURES_MAX)
    return HttpResponse(svg, content_type=SVG)


def _keep(kept: OrderedDict[Key, Value], key: Key, value: Value, *, most: int) -> None:
    """The value is kept, and the oldest ones go where there are too many."""
    with _guard:
        kept[key] = value
        kept.move_to_end(key)
        while len(kept) > most:
            kept.popitem(last=False)
