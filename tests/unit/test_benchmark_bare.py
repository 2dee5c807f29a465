"""The bare loops count and sum what they kept, or the benchmark would flatter the product."""

import importlib.util
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

SCRIPTS = Path(__file__).parents[2] / "scripts"


def load_script(name: str) -> Any:
    """A script as a module."""
    spec = importlib.util.spec_from_file_location(name, SCRIPTS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def keep_pages(folder: Path, pages: list[bytes], index: list[Any]) -> None:
    """The pages lie behind one another, as a fetch leaves them."""
    (folder / "pages.bin").write_bytes(b"".join(pages))
    (folder / "index.json").write_text(json.dumps(index))


def render_jde_page(*rows: tuple[str, str, str]) -> bytes:
    """A page of rows written `ledger type, account, amount`."""
    rowset = ",".join(
        f'{{"F0911_LT":"{lt}","F0911_CO":"00001","F0911_AID":"{aid}","F0911_FY":26,"F0911_PN":1,'
        f'"F0911_AA":{amount},"F0911_EXA":"Ünverändert"}}'
        for lt, aid, amount in rows
    )
    page = f'{{"fs_DATABROWSE_F0911":{{"data":{{"gridData":{{"rowset":[{rowset}]}}}}}}}}'
    return page.encode()


def test_bare_loop_of_jde_decodes_every_row_and_sums_the_actual_ones(tmp_path: Path) -> None:
    """Rows of both ledger types are decoded, as the product has to; only AA has a sum."""
    bare = load_script("benchmark_bare_jde")
    pages = [
        render_jde_page(("AA", "00004532", "-6778.23"), ("CA", "00004532", "-6251.82")),
        render_jde_page(("AA", "00062411", "6778.23")),
    ]
    keep_pages(tmp_path, pages, [len(page) for page in pages])

    found = bare.add_up(tmp_path)

    assert (found["lines"], found["sums"]) == (3, 2)


def test_bare_loop_of_fusion_sums_by_ledger_period_and_combination(tmp_path: Path) -> None:
    """Equal combinations of two ledgers stay apart."""
    bare = load_script("benchmark_bare")
    lines = b'{"AccountCombination":"101.1","AccountedDr":10.5},{"AccountCombination":"101.1"}'
    page = b'{"items":[%s]}' % lines
    keep_pages(
        tmp_path, [page, page],
        [(len(page), "US", "Oct-26", "USD"), (len(page), "Canada", "Oct-26", "CAD")],
    )  # fmt: skip

    found = bare.add_up(tmp_path)

    assert (found["lines"], found["sums"]) == (4, 2)


def test_rows_of_jde_keep_their_amount_exactly() -> None:
    """An amount is read from its literal: no double stands in between."""
    bare = load_script("benchmark_bare_jde")
    page = bare.msgspec.json.decode(
        render_jde_page(("AA", "00004532", "1234567890123.45")), type=bare.Page
    )

    assert page.browse.data.grid_data.rowset[0].amount == Decimal("1234567890123.45")
