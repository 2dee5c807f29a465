"""Uploading: the import's file holds exactly the load's chunks, whoever else uses that file."""

from functools import partial

from ml_connector.errors import OutcomeUnknownError, RefusedError
from ml_connector.flows.loading.load import LoadWork
from ml_connector.flows.loading.model_hold import is_shared
from ml_connector.ports import Json

UPLOADS_MAX = 3


class UploadNotWholeError(RefusedError):
    """The model does not hold all chunks after three tries."""

    code = "loading.upload-not-whole"


def upload(work: LoadWork) -> int:
    """The import's file holds exactly the load's chunks; returns the fence that is true under.

    What is up is not sent again after a stop, unless another run may have used the file meanwhile
    or the model does not hold every chunk: then all of it is.

    Raises:
        UploadNotWholeError: Chunks are still missing after three whole uploads.
    """
    load = work.load
    for attempt in range(1, UPLOADS_MAX + 1):
        fence = _upload_once(work, label=f"{load.label}: upload {attempt}")
        if fence:
            return fence
    file_id = load.pins["file_id"]
    raise UploadNotWholeError(
        f"The file {file_id} did not hold the {len(load.chunks)} chunks that were sent to it, in"
        f" {UPLOADS_MAX} uploads.",
        written="No import was started; the model keeps what it held.",
        next_step="Look whether another program uploads to this file, then start a new run:"
        f" `ml-connector retry {work.steps.run_id}`.",
        file=file_id,
    )


def _upload_once(work: LoadWork, *, label: str) -> int:
    """The fence under which the file was seen whole; 0 when it was not, or may be another's."""
    total = len(work.load.chunks)
    sendings = [
        (f"{label}, chunk {index + 1}/{total}", partial(_send_chunk, work, index))
        for index in range(total)
    ]
    sendings.append((f"{label}, verify", partial(_complete, work)))
    fence = int(work.steps.step(f"{label}, declare", partial(_declare, work))["fence"])
    done: Json = {}
    for name, body in sendings:
        done = work.steps.step(name, body)
        if is_shared(fence, int(done["fence"])):
            return 0
        fence = int(done["fence"])
    return fence if done["chunks"] == total else 0


def _declare(work: LoadWork) -> Json:
    lease = work.hold.take()
    work.bench.target.submit_chunk_count(work.load.pins["file_id"], len(work.load.chunks))
    return {"chunks": len(work.load.chunks), "fence": lease.fence}


def _send_chunk(work: LoadWork, index: int) -> Json:
    lease = work.hold.take()
    file_hash = work.load.chunks[index]
    content = b"".join(work.bench.archive.read_bytes(file_hash))
    work.bench.target.submit_chunk(work.load.pins["file_id"], index, content)
    return {"chunk": index, "sha256": file_hash, "bytes": len(content), "fence": lease.fence}


def _complete(work: LoadWork) -> Json:
    lease, file_id, target = work.hold.take(), work.load.pins["file_id"], work.bench.target
    try:
        target.submit_upload_complete(file_id, len(work.load.chunks))
        settled = False
    except OutcomeUnknownError:
        # A lost reply here is settled by what the file holds, which is read next in any case.
        settled = True
    return {
        "chunks": target.read_chunk_count(file_id), "fence": lease.fence, "settled": settled,
    }  # fmt: skip
