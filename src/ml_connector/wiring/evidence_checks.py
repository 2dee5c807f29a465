"""The verification of an evidence pack: every tampering is named, and no project is needed."""

import hashlib
import json
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from ml_connector.errors import ConnectorError, UnexplainedDifferenceError, UsageError
from ml_connector.flows.answers.evidence import CHAIN
from ml_connector.flows.answers.evidence_zip import FORMAT, KEY, MANIFEST, SIGNATURE
from ml_connector.ports import Json
from ml_connector.records.chain import hash_link, parse_lines
from ml_connector.wiring.evidence_keys import is_signed, render_fingerprint

SMALL_BYTES_MAX = 16 * 1024 * 1024
"""A manifest, a signature or a key; each is a few kilobytes."""
MEMBERS_MAX = 10_000
READ_BYTES = 1024 * 1024
LINE_BYTES_MAX = 16 * 1024 * 1024
"""One link of the chain."""
END = b"PK\x05\x06"
END_BYTES = 22
"""What every zip without a comment ends with."""
UNREADABLE = (zipfile.BadZipFile, zlib.error, OSError, EOFError, NotImplementedError, RuntimeError)
"""What the library says of bytes that are no zip, or no longer one."""


class NoPackError(UsageError):
    """A file is no evidence pack at all."""

    code = "evidence.no-pack"


class TamperedPackError(UnexplainedDifferenceError):
    """An evidence pack is not what was signed; every finding is named."""

    code = "evidence.tampered"

    def __init__(self, path: Path, findings: list[str]) -> None:
        super().__init__(
            f"The pack {path.name} is not what was signed: {'; '.join(findings)}.",
            written="Nothing was changed by this check.",
            next_step="Ask the installation for the pack again, and keep this one.",
            findings=len(findings),
        )
        self.findings = findings


class Verdict(NamedTuple):
    """What a pack that holds says of itself."""

    flow: str
    period: str
    ledgers: dict[str, str]
    members: int
    links: int
    fingerprint: str


@dataclass(slots=True)
class _Pack:
    """A pack as it is read."""

    file: zipfile.ZipFile
    findings: list[str] = field(default_factory=list)

    def note(self, finding: str) -> None:
        """Something is not as it was signed."""
        self.findings.append(finding)

    def read_small(self, name: str) -> bytes:
        """A member that fits in memory; empty when there is none."""
        try:
            with self.file.open(name) as member:
                content = member.read(SMALL_BYTES_MAX + 1)
        except KeyError:
            self.note(f"{name} is missing")
            return b""
        except UNREADABLE as error:
            self.note(f"{name} cannot be read ({error})")
            return b""
        return content


def verify_pack(path: Path, *, fingerprint: str = "") -> Verdict:
    """The pack is what the key inside has signed; nothing was changed, added or removed.

    Args:
        path: Of the zip.
        fingerprint: Of the key it must be signed with; empty: whichever is inside.

    Raises:
        NoPackError: The file is no zip, or has no manifest.
        TamperedPackError: Names everything that is not as it was signed.
    """
    try:
        with zipfile.ZipFile(path) as file:
            pack = _Pack(file)
            _verify_envelope(pack, path)
            manifest = _read_manifest(pack, path)
            found = _verify_signature(pack, wanted=fingerprint)
            _verify_members(pack, manifest)
            links = _verify_chain(pack, manifest)
            _verify_standings(pack, manifest)
            _verify_sign_offs(pack, manifest)
    except UNREADABLE as error:
        raise _refuse(path, f"it is no zip that can be read ({error})") from error
    if pack.findings:
        raise TamperedPackError(path, list(dict.fromkeys(pack.findings)))
    return Verdict(
        flow=str(manifest["flow"]), period=str(manifest["period"]),
        ledgers=dict(manifest["ledgers"]), members=len(manifest["members"]), links=links,
        fingerprint=found,
    )  # fmt: skip


def _verify_envelope(pack: _Pack, path: Path) -> None:
    """Nothing stands before, behind or beside the members."""
    if len(pack.file.namelist()) > MEMBERS_MAX:
        raise _refuse(path, f"it has more than {MEMBERS_MAX:,} members")
    with path.open("rb") as raw:
        raw.seek(-min(END_BYTES, path.stat().st_size), 2)
        end = raw.read()
    if pack.file.comment or not end.startswith(END):
        pack.note("bytes were added behind the members")
    begins: list[int] = [one.header_offset for one in pack.file.infolist()]
    if begins and 0 not in begins:
        pack.note("bytes were added before the members")


def _read_manifest(pack: _Pack, path: Path) -> Json:
    try:
        manifest = json.loads(pack.read_small(MANIFEST))
        names = [str(one["name"]) for one in manifest["members"]]
        is_ours = manifest["format"] == FORMAT and len(names) == len(set(names))
        _ = (manifest["flow"], manifest["period"], dict(manifest["ledgers"]), manifest["chain"])
    except (ValueError, KeyError, TypeError) as error:
        raise _refuse(path, "it has no manifest that can be read") from error
    if not is_ours:
        raise _refuse(path, f"its manifest is not of the form {FORMAT!r}")
    return dict(manifest)


def _verify_signature(pack: _Pack, *, wanted: str) -> str:
    content, signature = pack.read_small(MANIFEST), pack.read_small(SIGNATURE).strip()
    key = pack.read_small(KEY)
    try:
        found = render_fingerprint(key)
    except ValueError:
        pack.note(f"{KEY} is no key")
        return ""
    if not is_signed(content, signature, key):
        pack.note(f"{MANIFEST} is not what {KEY} has signed")
    if wanted and wanted.strip().casefold() != found:
        pack.note(f"it is signed with the key {found}, not {wanted.strip()}")
    return found


def _verify_members(pack: _Pack, manifest: Json) -> None:
    """Every member is there once, whole and unchanged; there is no other."""
    names = pack.file.namelist()
    for name in sorted({one for one in names if names.count(one) > 1}):
        pack.note(f"{name} is there more than once")
    known = {one["name"] for one in manifest["members"]}
    for name in sorted(set(names) - known - {MANIFEST, SIGNATURE}):
        pack.note(f"{name} was added")
    for entry in manifest["members"]:
        if entry["name"] not in names:
            pack.note(f"{entry['name']} is missing")
        else:
            _verify_member(pack, entry)


def _verify_member(pack: _Pack, entry: Json) -> None:
    digest, size = hashlib.sha256(), 0
    try:
        with pack.file.open(entry["name"]) as member:
            # A member that goes on for ever is left as soon as it is longer than was signed.
            while size <= entry["bytes"] and (chunk := member.read(READ_BYTES)):
                digest.update(chunk)
                size += len(chunk)
    except UNREADABLE as error:
        pack.note(f"{entry['name']} cannot be read ({error})")
        return
    if size != entry["bytes"] or digest.hexdigest() != entry["sha256"]:
        pack.note(f"{entry['name']} was changed")


def _verify_chain(pack: _Pack, manifest: Json) -> int:
    """Every link follows from the one before, from the first to the last that was signed."""
    said = manifest["chain"]
    at, count = (said["hash_before"], said["first"] - 1) if said else ("", 0), 0
    try:
        for row in parse_lines(_read_lines(pack)):
            expected = at[1] + 1
            if said is None or row.number != expected or row.hash_before != at[0]:
                pack.note(f"the audit chain breaks at link {row.number}: it does not follow")
                return count
            if hash_link(row) != row.hash_after:
                pack.note(f"the audit chain breaks at link {row.number}: it was changed")
                return count
            at, count = (row.hash_after, row.number), count + 1
    except (ConnectorError, *UNREADABLE, UnicodeDecodeError, KeyError) as error:
        pack.note(f"the audit chain cannot be read: {getattr(error, 'refused', error)}")
        return count
    if said and at != (said["hash_after"], said["last"]):
        pack.note(f"the audit chain ends at link {at[1]}, not {said['last']}")
    return count


def _read_lines(pack: _Pack) -> Iterator[str]:
    with pack.file.open(CHAIN) as member:
        while line := member.readline(LINE_BYTES_MAX):
            yield line.decode()


def _verify_standings(pack: _Pack, manifest: Json) -> None:
    """Each ledger's standing is the one whose proof was signed."""
    names = [one["name"] for one in manifest["members"]]
    found = {}
    for name in names:
        if name.endswith("/standing.json"):
            its = _parse(pack, name)
            if isinstance(its, dict):
                found[str(its.get("ledger"))] = its
                if _hash_proof(its) != its.get("proof_hash"):
                    pack.note(f"{name} does not say what its proof says")
    proofs = {ledger: its.get("proof_hash") for ledger, its in found.items()}
    if proofs != manifest["ledgers"]:
        pack.note("the standings are not those the manifest names")


def _hash_proof(its: Json) -> str:
    told = {
        "place": [its.get(name) for name in ("flow", "ledger", "period", "member")],
        "stages": its.get("stages"), "amounts": its.get("amounts"),
        "content": its.get("content_hash"),
    }  # fmt: skip
    if its.get("target"):  # Packs of older versions name none.
        told["target"] = its["target"]
    text = json.dumps(told, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _verify_sign_offs(pack: _Pack, manifest: Json) -> None:
    """Every signature stands in the chain as it is told."""
    told = _parse(pack, "sign-offs.json")
    if not isinstance(told, list) or not told or manifest["chain"] is None:
        return
    signed: dict[str, Any] = {}
    try:
        for row in parse_lines(_read_lines(pack)):
            if row.event == "period.signed":
                signed[str(row.details.get("sign_off"))] = (row.actor, row.details.get("proof"))
    except (ConnectorError, *UNREADABLE, UnicodeDecodeError, KeyError):
        return  # Told before.
    for one in told:
        name = one.get("sign_off_id") if isinstance(one, dict) else None
        if name is None or signed.get(name) != (one.get("signed_by"), one.get("proof_hash")):
            pack.note(f"the sign-off {name} does not stand so in the audit chain")


def _parse(pack: _Pack, name: str) -> Any:
    try:
        return json.loads(pack.read_small(name) or b"null")
    except ValueError:
        pack.note(f"{name} cannot be read")
        return None


def _refuse(path: Path, finding: str) -> NoPackError:
    return NoPackError(
        f"{path.name} is no evidence pack: {finding}.",
        written="Nothing was changed by this check.",
        next_step="Give the zip that `ml-connector evidence make FLOW PERIOD` has made.",
        file=path.name,
    )
