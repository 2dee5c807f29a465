"""Commands that the machine or the command line lets down: told like any other error."""

import errno
import io
import json
import sys

import pytest

from ml_connector.cli.main import run_command
from ml_connector.cli.outside import explain_refusal, open_missing_streams


class FullStream(io.StringIO):
    """A file on a disk without room; it is noticed when what was printed is written."""

    def flush(self) -> None:
        """Nothing more fits."""
        raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("way", [("-o", "json"), ("--output", "json"), ("--output=json",)])
@pytest.mark.parametrize(
    "typed", [("runs", "list", "--limit", "-3"), ("runs", "show"), ("plan", "x", "--nonsense")]
)
def test_command_that_is_not_understood_answers_in_json_when_asked(
    typed: tuple[str, ...], way: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    """A program reads the refusal of its own mistake as it reads everything else."""
    assert run_command([*typed, *way]) == 2
    told = json.loads(capsys.readouterr().out)
    assert (told["exit_code"], told["error"]["code"]) == (2, "usage")


def test_full_disk_behind_standard_output_is_told_and_is_no_success(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Half a list in a file would be taken for all of it."""
    monkeypatch.setattr(sys, "stdout", FullStream())
    assert run_command(["config", "schema"]) == 1
    assert "No space left on device" in capsys.readouterr().err


def test_refusal_of_a_file_names_the_file_and_what_stands() -> None:
    """The plan of a run exists though its file could not be written."""
    error = explain_refusal(FileNotFoundError(errno.ENOENT, "No such file", "/missing/plan.json"))
    assert error.refused == "The file /missing/plan.json cannot be used: No such file."
    assert "recorded or sent before stands" in error.written
    assert error.exit_code == 1


def test_closed_streams_are_opened_to_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise what belongs on standard error would be printed among the data."""
    monkeypatch.setattr(sys, "stdout", None)
    monkeypatch.setattr(sys, "stderr", None)
    open_missing_streams()
    for stream in (sys.stdout, sys.stderr):
        assert stream.write("nothing") == 7
        stream.close()
