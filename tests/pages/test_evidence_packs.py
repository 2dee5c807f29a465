"""Evidence packs: the same for the same books, verified anywhere, every tampering named."""

import csv
import io
import json
import re
import shutil
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ml_connector.errors import ConnectorError
from ml_connector.flows.answers.evidence_zip import stream_pack
from ml_connector.wiring.evidence_checks import verify_pack
from ml_connector.wiring.evidence_keys import make_signer

PLACE = "actuals-fusion/Halden%20US/Sep-26/"
Members = dict[str, bytes]


@pytest.fixture(scope="module")
def pack(site: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The pack of a signed period, as its page sends it; afterwards it is not signed any more."""
    approver = site.member("approver")
    page = approver.get(f"/reconciliation/period/{PLACE}").text
    proof = re.search(r'name="proof" value="(\w{64})"', page)
    assert proof
    signing = {"comment": "Agreed with the bank.", "proof": proof[1]}
    assert approver.post(f"/reconciliation/sign/{PLACE}", signing).status == 302
    answer = site.member("viewer").get(f"/reconciliation/evidence/{PLACE}")
    assert answer.headers["Content-Disposition"].endswith(
        'filename="evidence-actuals-fusion-Halden_US-Sep-26.zip"'
    )
    path = tmp_path_factory.mktemp("packs") / "pack.zip"
    path.write_bytes(answer.content)
    yield path
    with site.house() as house:
        newest = house.records.sign_offs.load_sign_offs()[0]
    fields = {"reason": "end of the tests"}
    away = f"/reconciliation/withdraw/{newest.sign_off_id}/"
    assert approver.post(away, fields).status == 302


def read(path: Path) -> Members:
    """What is in a pack."""
    with zipfile.ZipFile(path) as file:
        return {name: file.read(name) for name in file.namelist()}


def write(path: Path, members: Members) -> Path:
    """A pack of these members."""
    with zipfile.ZipFile(path, "w") as file:
        for name, content in members.items():
            file.writestr(name, content)
    return path


def test_pack_holds_every_number_and_every_word_of_the_period(site: Any, pack: Path) -> None:
    """What the page shows is what the pack holds; a page explains it."""
    members = read(pack)

    verdict = verify_pack(pack)

    assert (verdict.flow, verdict.period, list(verdict.ledgers)) == (
        "actuals-fusion", "Sep-26", ["Halden US"],
    )  # fmt: skip
    assert verdict.members == len(members) - 2
    folder = "ledgers/01-Halden_US"
    accounts = list(csv.reader(io.StringIO(members[f"{folder}/accounts.csv"].decode())))
    shown = site.member("viewer").get(f"/reconciliation/period/{PLACE}?as=csv&table=accounts")
    assert len(accounts) == len(shown.text.splitlines())
    assert {row[-1] for row in accounts[1:]} == {"USD"}
    assert {row[-2] for row in accounts[1:]} == {"0"}
    (run,) = json.loads(members["runs.json"])
    assert run["run_id"] == site.run_id
    *_, signed = json.loads(members["sign-offs.json"])
    assert (signed["signed_by"], signed["proof_hash"]) == (
        "approver", verdict.ledgers["Halden US"],
    )  # fmt: skip
    assert any(name.startswith("mapping/rules-") for name in members)
    assert any(name.startswith("files/plan-") for name in members)
    assert b"Agreed with the bank." in members["index.html"]
    assert b"period.signed" in members["audit-chain.jsonl"]


def test_same_books_give_the_same_bytes_and_no_secret(site: Any, pack: Path) -> None:
    """By the command too; and not one text of the vault is inside."""
    with site.house() as house:
        name, chunks = house.make_evidence("actuals-fusion", "Sep-26", ledger="Halden US")
        content = b"".join(chunks)
        pem, fingerprint = house.show_evidence_key()
        secrets = [
            house.vault.read_secret(f"secret:{row.name}") for row in house.vault.list_secrets()
        ]

    assert name == "evidence-actuals-fusion-Halden_US-Sep-26.zip"
    assert content == pack.read_bytes()
    members = read(pack)
    assert members["key.pem"].decode() == pem
    assert verify_pack(pack, fingerprint=fingerprint).fingerprint == fingerprint
    inside = b"".join(members.values())
    assert len(secrets) > 2
    assert [one for one in secrets if len(one) > 6 and one.encode() in inside] == []


def _change(name: str, old: bytes, new: bytes) -> Callable[[Members], None]:
    def change(members: Members) -> None:
        assert old in members[name]
        members[name] = members[name].replace(old, new, 1)

    return change


def _cut_chain(members: Members) -> None:
    lines = members["audit-chain.jsonl"].splitlines(keepends=True)
    members["audit-chain.jsonl"] = b"".join(lines[:-1])


def _change_link(members: Members) -> None:
    members["audit-chain.jsonl"] = members["audit-chain.jsonl"].replace(b"approver", b"somebody", 1)


STANDING = "ledgers/01-Halden_US/standing.json"
TAMPERED: dict[str, tuple[Callable[[Members], Any], list[str]]] = {
    "an amount": (
        _change("ledgers/01-Halden_US/totals.csv", b",USD", b",EUR"),
        ["ledgers/01-Halden_US/totals.csv was changed"],
    ),
    "a standing": (
        _change(STANDING, b'"done"', b'"partly"'),
        [f"{STANDING} was changed", f"{STANDING} does not say what its proof says"],
    ),
    "a signature": (
        _change("sign-offs.json", b'"approver"', b'"somebody"'),
        ["sign-offs.json was changed", "does not stand so in the audit chain"],
    ),
    "a comment": (
        _change("sign-offs.json", b"the bank", b"nobody"), ["sign-offs.json was changed"],
    ),
    "a link": (_change_link, ["audit-chain.jsonl was changed", "breaks at link"]),
    "a link left out": (_cut_chain, ["audit-chain.jsonl was changed", "ends at link"]),
    "the page": (_change("index.html", b"Halden", b"Holden"), ["index.html was changed"]),
    "the manifest": (
        _change("manifest.json", b'"period": "Sep-26"', b'"period": "Oct-26"'),
        ["manifest.json is not what key.pem has signed"],
    ),
    "no signature": (
        lambda members: members.pop("manifest.sig"),
        ["manifest.sig is missing", "manifest.json is not what key.pem has signed"],
    ),
    "another signature": (
        lambda members: members.update({"manifest.sig": b"00" * 64}),
        ["manifest.json is not what key.pem has signed"],
    ),
    "another key": (
        lambda members: members.update({"key.pem": make_signer().public_pem}),
        ["key.pem was changed", "manifest.json is not what key.pem has signed"],
    ),
    "no key": (
        lambda members: members.update({"key.pem": b"none"}),
        ["key.pem was changed", "key.pem is no key"],
    ),
    "a member more": (
        lambda members: members.update({"notes.txt": b"all is well"}), ["notes.txt was added"],
    ),
    "a member less": (lambda members: members.pop("loads.json"), ["loads.json is missing"]),
}  # fmt: skip


@pytest.mark.parametrize("what", TAMPERED)
def test_every_tampering_is_named(pack: Path, tmp_path: Path, what: str) -> None:
    """What was changed, added or removed, by its name; nothing of it passes."""
    tamper, findings = TAMPERED[what]
    members = read(pack)
    tamper(members)

    with pytest.raises(ConnectorError) as caught:
        verify_pack(write(tmp_path / "pack.zip", members))

    assert caught.value.code == "evidence.tampered"
    assert caught.value.exit_code == 4
    for finding in findings:
        assert finding in caught.value.refused
    assert len(members) > 10


def test_pack_signed_anew_by_somebody_else_is_told_by_its_key(
    site: Any, pack: Path, tmp_path: Path
) -> None:
    """Who forges everything consistently still has not the installation's key."""
    members = read(pack)
    manifest = json.loads(members["manifest.json"])
    about = {name: manifest[name] for name in manifest if name not in ("format", "members")}
    forger, mine = make_signer(), ("manifest.json", "manifest.sig", "key.pem")
    forged = stream_pack(
        [(name, [content]) for name, content in members.items() if name not in mine],
        about=about, public_key=forger.public_pem, sign=forger.sign,
    )  # fmt: skip
    path = tmp_path / "forged.zip"
    path.write_bytes(b"".join(forged))
    with site.house() as house:
        fingerprint = house.show_evidence_key()[1]

    assert verify_pack(path).fingerprint == forger.fingerprint != fingerprint
    with pytest.raises(ConnectorError) as caught:
        verify_pack(path, fingerprint=fingerprint)
    assert f"signed with the key {forger.fingerprint}, not {fingerprint}" in caught.value.refused


def test_bytes_around_and_within_the_zip_are_noticed(pack: Path, tmp_path: Path) -> None:
    """Appended, prepended, torn, twice the same name, or no zip at all."""
    content = pack.read_bytes()
    path = tmp_path / "odd.zip"
    for odd, code, finding in (
        (content + b"more", "evidence.tampered", "added behind the members"),
        (b"more" + content, "evidence.tampered", "added before the members"),
        (content[: len(content) // 2], "evidence.no-pack", "no zip"),
        (b"", "evidence.no-pack", "no zip"),
        (b"PK\x05\x06" + b"\0" * 18, "evidence.no-pack", "no manifest"),
    ):
        path.write_bytes(odd)
        with pytest.raises(ConnectorError) as caught:
            verify_pack(path)
        assert caught.value.code == code, finding
        assert finding in caught.value.refused
    shutil.copy(pack, path)
    with zipfile.ZipFile(path, "a") as file, pytest.warns(UserWarning, match="Duplicate name"):
        file.writestr("loads.json", b"[]")
    with pytest.raises(ConnectorError) as caught:
        verify_pack(path)
    assert "loads.json is there more than once" in caught.value.refused


def _find_middle(content: bytes, entry: zipfile.ZipInfo) -> int:
    """Where the middle of a member's bytes lies in the zip, behind its header."""
    name, extra = (
        int.from_bytes(content[entry.header_offset + at :][:2], "little") for at in (26, 28)
    )
    return entry.header_offset + 30 + name + extra + entry.compress_size // 2


def test_flipped_byte_of_any_member_is_noticed(pack: Path, tmp_path: Path) -> None:
    """Also where the zip itself does not notice it, and of the manifest and the key."""
    content, path = pack.read_bytes(), tmp_path / "flipped.zip"
    with zipfile.ZipFile(pack) as file:
        places = [_find_middle(content, one) for one in file.filelist]
    for place in places:
        path.write_bytes(content[:place] + bytes([content[place] ^ 0x10]) + content[place + 1 :])
        with pytest.raises(ConnectorError) as caught:
            verify_pack(path)
        assert caught.value.code in ("evidence.tampered", "evidence.no-pack")


def test_period_nobody_looked_at_gives_no_pack(site: Any) -> None:
    """Neither by the page nor by the command."""
    gone = site.member("viewer").get("/reconciliation/evidence/actuals-fusion/Halden%20US/Jan-99/")
    assert gone.status == 404
    with site.house() as house, pytest.raises(ConnectorError) as caught:
        house.make_evidence("actuals-fusion", "Jan-99")
    assert caught.value.code == "evidence.nothing"
