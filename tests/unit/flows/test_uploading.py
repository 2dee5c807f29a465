"""An import's file that the model does not hold whole is sent again, and never imported."""

from collections.abc import Callable
from typing import Any

import pytest
from tests.fakes.desk import FakeDesk
from tests.fakes.ledger import line
from tests.fakes.model import IMPORT

from ml_connector.flows.loading.uploading import UPLOADS_MAX, UploadNotWholeError

MakeDesk = Callable[..., FakeDesk]


class ForgetfulTarget:
    """A model that has lost a chunk each of the first times it is asked."""

    def __init__(self, target: Any, *, times: int) -> None:
        self._target = target
        self.left = times

    def __getattr__(self, name: str) -> Any:
        return getattr(self._target, name)

    def read_chunk_count(self, file_id: str) -> int:
        """One less than there should be, while it forgets."""
        self.left -= 1
        count: int = self._target.read_chunk_count(file_id)
        return count - (self.left >= 0)


@pytest.mark.parametrize(("times", "starts"), [(1, 1), (UPLOADS_MAX, 0)])
def test_file_that_is_not_whole_is_not_imported(
    make_desk: MakeDesk, times: int, starts: int
) -> None:
    """It is uploaded anew; after three times the run is refused and the model is as it was."""
    desk = make_desk()
    desk.source.post("0", line(1, "US", "09-26", "101.4000.10", "100"))
    model = desk.target
    desk.target = ForgetfulTarget(model, times=times)  # type: ignore[assignment] # it stands in

    if starts:
        assert desk.run()["state"] == "succeeded"
    else:
        with pytest.raises(UploadNotWholeError):
            desk.run()

    assert model.starts.count(IMPORT.action_id) == starts
