"""A zip that is streamed, and is the same for the same members: no clocks, no users, no order."""

import hashlib
import json
import zipfile
from collections.abc import Callable, Iterable, Iterator
from typing import Any, cast

from ml_connector.ports import Json

EPOCH = (1980, 1, 1, 0, 0, 0)
"""The time every member carries; a zip cannot say none."""
MODE = 0o100644 << 16
LEVEL = 6
FORMAT = "ml-connector evidence 1"
MANIFEST, SIGNATURE, KEY = "manifest.json", "manifest.sig", "key.pem"
PACKED = "files/"
"""Members below it are compressed already."""


class _Pipe:
    """Where the zip is written to; what was written is taken away at once."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def write(self, part: bytes) -> int:
        """The part waits to be taken."""
        self._parts.append(bytes(part))
        return len(part)

    def flush(self) -> None:
        """Nothing waits for it."""

    def take(self) -> bytes:
        """All that was written since."""
        parts, self._parts = self._parts, []
        return b"".join(parts)


def stream_pack(
    members: Iterable[tuple[str, Iterable[bytes]]],
    *,
    about: Json,
    public_key: bytes,
    sign: Callable[[bytes], bytes],
) -> Iterator[bytes]:
    """Yield the bytes of the zip: the members, the key, the manifest, its signature.

    Args:
        members: In the order of the pack.
        about: What the manifest says beside the hashes.
        public_key: Of the installation, as PEM.
        sign: Signs the manifest's bytes.
    """
    pipe, listed = _Pipe(), []
    # It asks for no more than `write` and `flush` of what it cannot seek in.
    with zipfile.ZipFile(cast("Any", pipe), "w", allowZip64=True) as pack:
        for name, chunks in members:
            entry: Json = {"name": name}
            for _ in _write(pack, name, chunks, entry):
                yield pipe.take()
            listed.append(entry)
        for _ in _write(pack, KEY, [public_key], key := {"name": KEY}):
            yield pipe.take()
        manifest = render_manifest({"format": FORMAT, **about, "members": [*listed, key]})
        for name, content in ((MANIFEST, manifest), (SIGNATURE, sign(manifest))):
            for _ in _write(pack, name, [content], {}):
                yield pipe.take()
    yield pipe.take()


def render_manifest(value: Json) -> bytes:
    """The manifest's bytes, which are signed."""
    return f"{json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False)}\n".encode()


def _write(
    pack: zipfile.ZipFile, name: str, chunks: Iterable[bytes], entry: dict[str, Any]
) -> Iterator[None]:
    """The member is in the zip; yields whenever there is something to take."""
    info = zipfile.ZipInfo(name, date_time=EPOCH)
    info.external_attr, info.create_system = MODE, 3
    info.compress_type = zipfile.ZIP_STORED if name.startswith(PACKED) else zipfile.ZIP_DEFLATED
    info._compresslevel = LEVEL  # type: ignore[attr-defined]  # noqa: SLF001 - the one way to say it for a member that is streamed.
    digest, size = hashlib.sha256(), 0
    with pack.open(info, "w", force_zip64=True) as member:
        for chunk in chunks:
            member.write(chunk)
            digest.update(chunk)
            size += len(chunk)
            yield
    entry |= {"sha256": digest.hexdigest(), "bytes": size}
    yield
