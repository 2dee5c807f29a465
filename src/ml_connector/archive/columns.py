"""Columns as every archive file writes them: same input, same bytes."""

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from ml_connector.archive.errors import UnfitAmountError
from ml_connector.archive.store import NewFile
from ml_connector.domain.money import DECIMALS_STORED_MAX, TooManyDecimalsError, count_decimals

AMOUNT = pa.decimal128(38, DECIMALS_STORED_MAX)
ROWS_PER_GROUP = 32_768
"""Rows of one row group: what a writer holds at a time."""
ROWS_PER_READ = 16_384
"""Rows of one record batch: what a reader holds at a time."""
COMPRESSION_LEVEL = 3
_NOTHING_STORED = "Nothing of this file was stored."


def open_writer(
    file: NewFile, schema: pa.Schema, *, indexed: Sequence[str] = ()
) -> pq.ParquetWriter:
    """A writer whose every setting that shapes the bytes is fixed here.

    Args:
        file: Where the bytes go.
        schema: The columns.
        indexed: Columns whose least and greatest value is kept per row group.
    """
    texts = [field.name for field in schema if pa.types.is_string(field.type)]
    return pq.ParquetWriter(
        file,  # type: ignore[arg-type]  # any object with `write` and `tell` serves
        schema,
        version="2.6",
        compression="zstd",
        compression_level=COMPRESSION_LEVEL,
        use_dictionary=texts,  # type: ignore[arg-type]  # the stubs know the flag, not the list
        write_statistics=list(indexed),
        data_page_version="1.0",
        store_schema=True,
    )


def amount_column(values: Sequence[Decimal], where: Callable[[int], str]) -> Any:
    """The amounts as decimal128, exactly.

    Args:
        values: One per row.
        where: Names a row for the error message.

    Raises:
        TooManyDecimalsError: An amount has more decimals than the archive keeps.
        UnfitAmountError: An amount is no number or has too many digits.
    """
    try:
        return pa.array(values, type=AMOUNT)
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        for index, value in enumerate(values):
            _verify_amount(value, index, where)
        raise


def _verify_amount(value: Decimal, index: int, where: Callable[[int], str]) -> None:
    try:
        pa.array([value], type=AMOUNT)
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise _refuse_amount(value, where(index)) from error


def _refuse_amount(value: Decimal, where: str) -> TooManyDecimalsError | UnfitAmountError:
    if value.is_finite() and count_decimals(value) > DECIMALS_STORED_MAX:
        return TooManyDecimalsError(
            f"The amount {value} of {where} has more than {DECIMALS_STORED_MAX} decimals.",
            written=_NOTHING_STORED,
            next_step="Correct the amount at its source; the archive never rounds.",
            amount=str(value), where=where,
        )  # fmt: skip
    return UnfitAmountError(
        f"The amount {value} of {where} does not fit the archive's {AMOUNT.precision} digits.",
        written=_NOTHING_STORED,
        next_step="Correct the amount at its source.",
        amount=str(value), where=where,
    )  # fmt: skip
