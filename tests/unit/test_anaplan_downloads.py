"""Outputs that change while they are read: noticed whatever of them changes."""

from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from ml_connector.errors import ProtocolError, RefusedError
from ml_connector.systems.anaplan.downloads import read_export
from ml_connector.systems.anaplan.wire import Named


@dataclass(slots=True, kw_only=True)
class Shelf:
    """The chunks of one file, replaced by others before a given read."""

    before: dict[str, bytes]
    after: dict[str, bytes] | None = None
    at: int = 0
    """Number of the read of a chunk before which they are replaced."""
    reads: list[str] = field(default_factory=list)

    def find_chunks(self, _file_id: str) -> list[Named] | None:
        """The chunks there are now, not in their order."""
        return [Named(id=name) for name in reversed(self.chunks)]

    def find_chunk(self, _file_id: str, chunk_id: str) -> bytes | None:
        """A chunk as it is now."""
        self.reads.append(chunk_id)
        return self.chunks.get(chunk_id)

    @property
    def chunks(self) -> dict[str, bytes]:
        """Those of the first output, or of the one that replaced it."""
        is_replaced = self.after is not None and len(self.reads) >= self.at
        return self.after if is_replaced and self.after is not None else self.before


def read(shelf: Shelf) -> bytes:
    """The whole output."""
    return b"".join(read_export(cast("Any", shelf), "116000000001"))


OLD = {"0": b"old 0 ", "1": b"old 1 ", "2": b"old 2"}


def test_chunks_are_joined_in_order_and_proved_by_a_second_look() -> None:
    """Every chunk but the last is read twice; a single one once."""
    shelf, single = Shelf(before=OLD), Shelf(before={"0": b"all"})

    assert read(shelf) == b"old 0 old 1 old 2"
    assert shelf.reads == ["0", "1", "2", "0", "1"]
    assert read(single) == b"all"
    assert single.reads == ["0"]


@pytest.mark.parametrize("at", [1, 2, 3, 4])
@pytest.mark.parametrize("changed", ["0", "1", "2"])
def test_output_of_as_many_chunks_is_told_apart_by_their_bytes(at: int, changed: str) -> None:
    """Whichever chunk differs, what is returned is one of the two outputs, or nothing is."""
    new = OLD | {changed: b"NEW!!"}
    shelf = Shelf(before=OLD, after=new, at=at)
    try:
        found = read(shelf)
    except ProtocolError:
        return
    assert found in {b"".join(OLD.values()), b"".join(new.values())}


def test_change_of_a_chunk_that_was_read_is_always_noticed() -> None:
    """The first chunk of one output and the rest of another never come together."""
    for at in (2, 3):
        with pytest.raises(ProtocolError, match="replaced while it was being read"):
            read(Shelf(before=OLD, after=OLD | {"0": b"new 0 ", "2": b"new 2"}, at=at))


@pytest.mark.parametrize(
    ("after", "word"),
    [
        (OLD | {"3": b"more"}, "replaced while"),
        ({"0": b"old 0 ", "1": b"old 1 "}, "lists chunks it no longer has"),
    ],
)
def test_change_of_their_number_is_noticed(after: dict[str, bytes], word: str) -> None:
    """A longer output, and a shorter one."""
    with pytest.raises(ProtocolError, match=word):
        read(Shelf(before=OLD, after=after, at=2))


@pytest.mark.parametrize("chunks", [["0", "2"], ["1", "2"], ["0", "x"]])
def test_list_with_a_gap_is_no_whole_output(chunks: list[str]) -> None:
    """Chunks are numbered from 0 without a gap; a missing one is never passed over."""
    with pytest.raises(ProtocolError, match="lists the chunks"):
        read(Shelf(before=dict.fromkeys(chunks, b"x")))


def test_output_without_any_chunk_is_none() -> None:
    """Nothing was run, or it was dropped after 48 hours."""
    with pytest.raises(RefusedError, match="Run the export"):
        read(Shelf(before={}))
