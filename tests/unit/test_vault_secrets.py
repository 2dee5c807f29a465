"""The vault: references resolved, secrets saved and rotated, plain text shown nowhere."""

import base64
import io
import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ml_connector.errors import BusyError, ConnectorError, CredentialsError
from ml_connector.logs import redact_text, set_up_logs
from ml_connector.ports import Secrets
from ml_connector.vault import Vault, find_keys
from ml_connector.vault.errors import (
    KeyMissingError,
    SecretMissingError,
    SecretRefusedError,
    SecretUnreadableError,
)

PLAIN = "pä$$ word of the ledger"
KEY = base64.b64encode(b"1" * 32).decode()
OTHER_KEY = base64.b64encode(b"2" * 32).decode()
SAVED_AT = datetime(2026, 10, 5, tzinfo=UTC)


@dataclass
class MemoryBlobs:
    """A store of blobs that forgets."""

    organisation: str = "default"
    blobs: dict[str, tuple[str, bytes]] = field(default_factory=dict)

    def find_blob(self, name: str) -> bytes | None:
        """The sealed secret of that name."""
        return self.blobs[name][1] if name in self.blobs else None

    def save_blob(self, name: str, *, key_id: str, blob: bytes) -> None:
        """The name stands for this sealed secret."""
        self.blobs[name] = (key_id, blob)

    def replace_blob(self, name: str, *, before: bytes, key_id: str, blob: bytes) -> bool:
        """Whether the secret still was `before`, and so is `blob` now."""
        if self.find_blob(name) != before:
            return False
        self.blobs[name] = (key_id, blob)
        return True

    def load_names(self) -> list[tuple[str, str, datetime]]:
        """Name, key id and time of saving of every secret, by name."""
        return [(name, key_id, SAVED_AT) for name, (key_id, _) in sorted(self.blobs.items())]

    def delete_blob(self, name: str) -> bool:
        """Whether there was such a secret; there is none now."""
        return self.blobs.pop(name, None) is not None


def open_vault(blobs: MemoryBlobs, *keys: str, folder: Path | None = None) -> Vault:
    """A vault with these keys, the newest last."""
    variables = {"ML_CONNECTOR_KEY": ",".join(keys), "FUSION_PASSWORD": PLAIN, "EMPTY": ""}
    return Vault(blobs, find_keys(environment=variables), folder=folder, environment=variables)


def causes(error: BaseException) -> Iterator[BaseException]:
    """The error and everything chained to it, shown or not."""
    at: BaseException | None = error
    while at is not None:
        yield at
        at = at.__cause__ or at.__context__


def test_three_kinds_of_references_resolve(tmp_path: Path) -> None:
    """Stored, from the environment, from a file: the text is exactly the one given."""
    (tmp_path / "password").write_text(PLAIN + "\n")
    vault: Secrets = open_vault(MemoryBlobs(), KEY, folder=tmp_path)
    assert isinstance(vault, Vault)
    vault.save_secret("fusion/prod.password", PLAIN)
    for reference in (
        "secret:fusion/prod.password",
        "env:FUSION_PASSWORD",
        "file:password",
        f"file:{tmp_path}/password",
    ):
        assert vault.read_secret(reference) == PLAIN


@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_file_loses_one_line_end_and_nothing_else(tmp_path: Path, end: str) -> None:
    """Editors add a line end; blanks and inner lines belong to the secret."""
    (tmp_path / "key.pem").write_bytes(f" line 1\nline 2 {end}".encode())
    vault = open_vault(MemoryBlobs(), KEY, folder=tmp_path)
    assert vault.read_secret("file:key.pem") == " line 1\nline 2 "


@pytest.mark.parametrize(
    "reference", ["secret:none", "env:NONE", "env:EMPTY", "file:none", "file:.", "secret:"]
)
def test_reference_that_leads_nowhere_is_named(tmp_path: Path, reference: str) -> None:
    """The refusal names what was looked for and counts as a fault of credentials."""
    with pytest.raises(SecretMissingError) as refusal:
        open_vault(MemoryBlobs(), KEY, folder=tmp_path).read_secret(reference)
    assert reference.split(":")[1] in str(refusal.value)
    assert refusal.value.exit_code == CredentialsError.exit_code


@pytest.mark.parametrize("text", [PLAIN, "hunter2", "vault:x", "SECRET:fusion", ""])
def test_text_that_is_no_reference_is_refused_and_not_shown(text: str) -> None:
    """Somebody may have written the password itself into the settings."""
    with pytest.raises(CredentialsError, match="secret:NAME, env:NAME nor file:PATH") as refusal:
        open_vault(MemoryBlobs(), KEY).read_secret(text)
    assert not text or text not in str(refusal.value)


@pytest.mark.parametrize("content", [b"", b" \n", b"x" * 262_145, b"\xff\xfe secret"])
def test_file_that_is_no_secret_is_refused(tmp_path: Path, content: bytes) -> None:
    """Empty, endless or binary files are named, their content is not."""
    (tmp_path / "password").write_bytes(content)
    with pytest.raises(SecretUnreadableError, match="file password") as refusal:
        open_vault(MemoryBlobs(), KEY, folder=tmp_path).read_secret("file:password")
    assert all("secret'" not in repr(error) for error in causes(refusal.value))


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("", "x"), ("a b", "x"), ("-a", "x"), ("a\n", "x"), ("ä", "x"), ("a" * 201, "x"),
        ("a:b", "x"), ("name", ""), ("name", "x" * 262_145), ("name", "half \ud800 character"),
    ],
)  # fmt: skip
def test_odd_name_or_text_is_refused(name: str, plain: str) -> None:
    """What could not be referred to, or not be read back, is not stored."""
    blobs = MemoryBlobs()
    with pytest.raises(SecretRefusedError, match="is not stored"):
        open_vault(blobs, KEY).save_secret(name, plain)
    assert blobs.blobs == {}


def test_list_shows_names_and_keys_only() -> None:
    """A list is for people who may not see the text."""
    vault = open_vault(MemoryBlobs(), KEY)
    vault.save_secret("b", PLAIN)
    vault.save_secret("a", "another text")
    assert [(secret.name, secret.saved_at) for secret in vault.list_secrets()] == [
        ("a", SAVED_AT), ("b", SAVED_AT),
    ]  # fmt: skip
    assert PLAIN not in repr(vault.list_secrets())


def test_saved_again_is_replaced_and_deleted_is_gone() -> None:
    """One text per name; deleting twice is refused."""
    vault = open_vault(MemoryBlobs(), KEY)
    vault.save_secret("a", "old text")
    vault.save_secret("a", "new text")
    assert vault.read_secret("secret:a") == "new text"
    vault.delete_secret("a")
    with pytest.raises(SecretMissingError):
        vault.read_secret("secret:a")
    with pytest.raises(SecretMissingError, match="no secret a in organisation default"):
        vault.delete_secret("a")


def test_swapped_blobs_do_not_open() -> None:
    """Who can write the database cannot make one log-in use another's password."""
    blobs = MemoryBlobs()
    vault = open_vault(blobs, KEY)
    vault.save_secret("a", PLAIN)
    vault.save_secret("b", "text of b")
    blobs.blobs["a"], blobs.blobs["b"] = blobs.blobs["b"], blobs.blobs["a"]
    north = MemoryBlobs(organisation="north", blobs={"b": blobs.blobs["a"]})
    with pytest.raises(SecretUnreadableError):
        vault.read_secret("secret:a")
    with pytest.raises(SecretUnreadableError):
        open_vault(north, KEY).read_secret("secret:b")


def test_wrong_key_opens_nothing_and_changes_nothing() -> None:
    """A lost key is said; the sealed secrets stay for the day it is found."""
    blobs = MemoryBlobs()
    open_vault(blobs, KEY).save_secret("a", PLAIN)
    before = dict(blobs.blobs)
    lost = open_vault(blobs, OTHER_KEY)
    with pytest.raises(KeyMissingError):
        lost.read_secret("secret:a")
    with pytest.raises(KeyMissingError):
        lost.rotate()
    assert blobs.blobs == before


def test_first_secret_makes_the_key_file_but_a_later_one_does_not(tmp_path: Path) -> None:
    """A new project needs no ceremony; a lost key file is not silently replaced."""
    blobs = MemoryBlobs()
    file = tmp_path / "key"

    def open_with_file() -> Vault:
        return Vault(blobs, find_keys(file=file, environment={}), environment={})

    open_with_file().save_secret("a", PLAIN)
    assert open_with_file().read_secret("secret:a") == PLAIN
    file.unlink()
    with pytest.raises(KeyMissingError):
        open_with_file().save_secret("b", "text of b")
    assert not file.exists()


def test_vault_without_any_key_still_reads_the_environment() -> None:
    """Keys are needed for stored secrets only."""
    vault = open_vault(MemoryBlobs())
    assert vault.read_secret("env:FUSION_PASSWORD") == PLAIN
    with pytest.raises(KeyMissingError):
        vault.save_secret("a", PLAIN)


def test_rotation_makes_a_key_and_wraps_every_secret_by_it(tmp_path: Path) -> None:
    """Nothing is entered again; the newest key alone opens everything afterwards."""
    blobs = MemoryBlobs()
    file = tmp_path / "key"
    vault = Vault(blobs, find_keys(file=file, environment={}))
    for name in ("a", "b"):
        vault.save_secret(name, f"text of {name}")
    before = {secret.key_id for secret in vault.list_secrets()}
    assert vault.rotate() == 2
    after = {secret.key_id for secret in vault.list_secrets()}
    assert len(after) == 1
    assert after != before
    newest = file.read_text().splitlines()[-1]
    assert open_vault(blobs, newest).read_secret("secret:b") == "text of b"


def test_rotation_by_a_server_goes_on_from_the_newest_key_of_anybody(tmp_path: Path) -> None:
    """Who read the keys before another process rotated wraps nothing by the older key again."""
    store, file = MemoryBlobs(), tmp_path / "key"
    server, command = (Vault(store, find_keys(file=file, environment={})) for _ in range(2))
    server.save_secret("a", PLAIN)
    command.rotate()
    [rotated] = {one.key_id for one in command.list_secrets()}

    assert server.rotate() == 1

    [again] = {one.key_id for one in command.list_secrets()}
    keys = find_keys(file=file, environment={})
    assert again == keys.newest_key_id != rotated
    assert server.read_secret("secret:a") == PLAIN


def test_interrupted_rotation_is_finished_without_another_key() -> None:
    """Secrets of the older key are wrapped anew first."""
    blobs = MemoryBlobs()
    vault = open_vault(blobs, KEY)
    for name in ("a", "b", "c"):
        vault.save_secret(name, f"text of {name}")
    both = open_vault(blobs, KEY, OTHER_KEY)
    both.save_secret("b", "text of b")
    assert both.rotate() == 2
    assert both.rotate() == 0
    assert open_vault(blobs, OTHER_KEY).read_secret("secret:c") == "text of c"


def test_secret_saved_during_a_rotation_is_not_overwritten() -> None:
    """The newer text wins, however the two are interleaved; a fight without end is given up."""

    @dataclass
    class Interrupted(MemoryBlobs):
        """A store into which somebody saves between reading and replacing."""

        saves: int = 0

        def replace_blob(self, name: str, *, before: bytes, key_id: str, blob: bytes) -> bool:
            """As the store, after a save."""
            if self.saves:
                self.saves -= 1
                open_vault(self, KEY).save_secret(name, f"newer text, {self.saves} to come")
            return super().replace_blob(name, before=before, key_id=key_id, blob=blob)

    blobs = Interrupted()
    open_vault(blobs, KEY).save_secret("a", PLAIN)
    blobs.saves = 2
    both = open_vault(blobs, KEY, OTHER_KEY)
    assert both.rotate() == 1
    assert both.read_secret("secret:a") == "newer text, 0 to come"
    open_vault(blobs, KEY).save_secret("a", PLAIN)
    blobs.saves = 99
    with pytest.raises(BusyError, match="saved again 5 times"):
        both.rotate()


@pytest.fixture
def log_stream() -> io.StringIO:
    """What is logged."""
    stream = io.StringIO()
    set_up_logs(level="warning", stream=stream)
    return stream


def test_plain_text_is_in_no_representation_error_or_log_line(log_stream: io.StringIO) -> None:
    """Whatever is printed of the vault, its errors or later logs, the text is not in it."""
    blobs = MemoryBlobs()
    vault = open_vault(blobs, KEY)
    vault.save_secret("a", PLAIN)
    assert vault.read_secret("secret:a") == PLAIN
    key_id, blob = blobs.blobs["a"]
    shown = [repr(vault), str(vault), repr(vault.list_secrets()), repr(blobs), redact_text(PLAIN)]
    for broken in (blob[:-1], blob[:-1] + b"x", b"MLCS\x01" + blob[5:40], b""):
        blobs.blobs["a"] = (key_id, broken)
        with pytest.raises(ConnectorError) as refusal:
            vault.read_secret("secret:a")
        for error in causes(refusal.value):
            shown += [repr(error), str(error)]
        shown.append(repr(refusal.value.render_record()))
    logging.getLogger("elsewhere").warning("the answer held %s", PLAIN)
    shown.append(log_stream.getvalue())
    assert "the answer held" in shown[-1]
    for text in shown:
        assert PLAIN not in text
        assert KEY not in text
