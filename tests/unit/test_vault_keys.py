"""Where keys come from, in which order, and which places are refused."""

import base64
import os
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType

import pytest

from ml_connector.vault import find_keys
from ml_connector.vault.errors import KeyMissingError, KeyUnsafeError
from ml_connector.vault.sources import KeyFile

ONE = base64.b64encode(b"1" * 32).decode()
TWO = base64.b64encode(b"2" * 32).decode()
THREE = base64.b64encode(b"3" * 32).decode()
NO_VARIABLES: Mapping[str, str] = {}


def id_of(text: str) -> str:
    """The id a key is known by."""
    return find_keys(environment={"ML_CONNECTOR_KEY": text}).newest_key_id


def write_key_file(path: Path, *lines: str, mode: int = 0o600) -> Path:
    """A key file with these lines."""
    path.write_text("".join(f"{line}\n" for line in lines))
    path.chmod(mode)
    return path


def test_first_place_that_has_a_key_wraps(tmp_path: Path) -> None:
    """A file goes before the variable; keys of both open."""
    variables = {"ML_CONNECTOR_KEY": ONE}
    missing = tmp_path / "missing"
    assert find_keys(file=missing, environment=variables).newest_key_id == id_of(ONE)
    file = write_key_file(tmp_path / "key", "# comment", "", TWO, THREE)
    keys = find_keys(file=file, environment=variables)
    assert keys.newest_key_id == id_of(THREE)
    assert all(keys.holds(id_of(key)) for key in (ONE, TWO, THREE))
    assert not keys.holds("0" * 12)


def test_variable_may_have_another_name() -> None:
    """The named variable is asked instead of the usual one."""
    variables = {"ML_CONNECTOR_KEY": ONE, "OTHER": f"{TWO}, {THREE}"}
    keys = find_keys(variable="OTHER", environment=variables)
    assert keys.newest_key_id == id_of(THREE)
    assert not keys.holds(id_of(ONE))


def test_key_is_known_by_its_fingerprint_wherever_it_is(tmp_path: Path) -> None:
    """A key that moves from variable to file opens what it wrapped before."""
    keys = find_keys(environment={"ML_CONNECTOR_KEY": ONE})
    key_id, wrapped = keys.wrap(b"d" * 32, bound_to=b"x")
    moved = find_keys(file=write_key_file(tmp_path / "key", ONE), environment=NO_VARIABLES)
    assert moved.unwrap(key_id, wrapped, bound_to=b"x") == b"d" * 32


def test_no_key_anywhere_names_the_places(tmp_path: Path) -> None:
    """Nothing is read before the first use, and nothing is made unasked."""
    keys = find_keys(file=tmp_path / "key", environment=NO_VARIABLES)
    with pytest.raises(KeyMissingError, match=r"key file .*/key, .*ML_CONNECTOR_KEY"):
        keys.wrap(b"d" * 32, bound_to=b"x")
    assert not (tmp_path / "key").exists()
    assert not keys.holds("x")


def test_added_key_makes_a_file_for_the_owner_alone(tmp_path: Path) -> None:
    """The file appears with mode 0600 under any umask, and the key works at once."""
    before = os.umask(0)
    try:
        keys = find_keys(file=tmp_path / "state" / "key", environment=NO_VARIABLES)
        assert keys.add_key()
    finally:
        os.umask(before)
    assert (tmp_path / "state" / "key").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "state").stat().st_mode & 0o777 == 0o700
    assert [path.name for path in (tmp_path / "state").iterdir()] == ["key"]
    again = find_keys(file=tmp_path / "state" / "key", environment=NO_VARIABLES)
    assert again.newest_key_id == keys.newest_key_id


def test_added_key_is_newest_and_the_older_ones_stay(tmp_path: Path) -> None:
    """No key is ever lost from the file by adding one."""
    file = write_key_file(tmp_path / "key", "# comment", ONE, TWO)
    keys = find_keys(file=file, environment=NO_VARIABLES)
    assert keys.add_key()
    assert keys.newest_key_id not in (id_of(ONE), id_of(TWO))
    assert keys.holds(id_of(ONE))
    assert keys.holds(id_of(TWO))


def test_key_made_by_another_process_is_found_without_a_new_start(tmp_path: Path) -> None:
    """A server that has read its keys opens what was wrapped by a key added since, and wraps so."""
    file = write_key_file(tmp_path / "key", ONE)
    server = find_keys(file=file, environment=NO_VARIABLES)
    assert server.newest_key_id == id_of(ONE)

    rotating = find_keys(file=file, environment=NO_VARIABLES)
    rotating.add_key()
    key_id, wrapped = rotating.wrap(b"d" * 32, bound_to=b"x")

    assert server.unwrap(key_id, wrapped, bound_to=b"x") == b"d" * 32
    assert server.newest_key_id == key_id


def test_keys_added_at_once_are_all_kept(tmp_path: Path) -> None:
    """Two rotations at the same time lose neither's key."""
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda _: KeyFile(tmp_path / "key").add_key(), range(16)))
    assert len(set(KeyFile(tmp_path / "key").read_keys())) == 16


def test_variable_makes_no_keys() -> None:
    """Who sets the variable makes the key; nothing is claimed to have been made."""
    keys = find_keys(environment={"ML_CONNECTOR_KEY": ONE})
    assert not keys.add_key()
    assert not find_keys(environment=NO_VARIABLES).add_key()


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o666, 0o644, 0o610])
def test_key_file_that_others_may_use_is_refused(tmp_path: Path, mode: int) -> None:
    """The refusal names file and mode, even when another place has a key."""
    file = write_key_file(tmp_path / "key", ONE, mode=mode)
    keys = find_keys(file=file, environment={"ML_CONNECTOR_KEY": TWO})
    with pytest.raises(KeyUnsafeError, match=f"{file}.*mode 0{mode:o}.*chmod 600"):
        keys.holds(id_of(ONE))
    with pytest.raises(KeyUnsafeError):
        keys.add_key()


@pytest.mark.parametrize("text", ["short", base64.b64encode(b"1" * 31).decode(), "ü", ONE + "!"])
def test_what_is_no_key_is_refused_without_being_shown(tmp_path: Path, text: str) -> None:
    """A mistyped key is not printed, and not taken for a shorter one."""
    file = write_key_file(tmp_path / "key", text)
    for keys in (
        find_keys(file=file, environment=NO_VARIABLES),
        find_keys(environment={"ML_CONNECTOR_KEY": text}),
    ):
        with pytest.raises(KeyUnsafeError, match="32 bytes in base64") as refusal:
            keys.holds("x")
        assert text not in str(refusal.value)


def test_folder_in_place_of_a_key_file_is_refused(tmp_path: Path) -> None:
    """A mount that failed leaves a folder; that is said, not worked around."""
    (tmp_path / "key").mkdir(mode=0o700)
    with pytest.raises(KeyUnsafeError, match="it is no file"):
        find_keys(file=tmp_path / "key", environment=NO_VARIABLES).holds("x")


def test_keyring_is_asked_only_when_it_is_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the extra, asking for it names the install; not asking for it costs nothing."""
    monkeypatch.setitem(sys.modules, "keyring", None)
    assert find_keys(environment={"ML_CONNECTOR_KEY": ONE}).newest_key_id == id_of(ONE)
    keys = find_keys(keyring_account="default", environment={"ML_CONNECTOR_KEY": ONE})
    with pytest.raises(KeyMissingError, match=r"pip install 'ml-connector\[keyring\]'"):
        keys.holds("x")


def test_keyring_goes_before_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys kept by the operating system are read and added there."""
    kept = {("ml-connector", "default"): ONE}
    keyring = ModuleType("keyring")
    keyring.get_password = lambda service, account: kept.get((service, account))  # type: ignore[attr-defined] # A stand-in for the optional library.
    keyring.set_password = lambda service, account, text: kept.update({(service, account): text})  # type: ignore[attr-defined] # As above.
    monkeypatch.setitem(sys.modules, "keyring", keyring)
    file = write_key_file(tmp_path / "key", TWO)
    keys = find_keys(keyring_account="default", file=file, environment=NO_VARIABLES)
    assert keys.newest_key_id == id_of(ONE)
    assert keys.holds(id_of(TWO))
    assert keys.add_key()
    assert kept["ml-connector", "default"].startswith(f"{ONE},")
    assert keys.holds(id_of(ONE))
    assert keys.newest_key_id != id_of(ONE)


def test_keys_show_their_places_only(tmp_path: Path) -> None:
    """No representation holds a key."""
    file = write_key_file(tmp_path / "key", ONE)
    keys = find_keys(file=file, environment={"ML_CONNECTOR_KEY": TWO})
    keys.holds("x")
    for text in (repr(keys), str(keys)):
        assert str(file) in text
        assert not any(key in text for key in (ONE, TWO, "1" * 8, "2" * 8))
