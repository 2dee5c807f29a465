"""The vault on the records database."""

import base64
from collections.abc import Callable
from pathlib import Path

import pytest

from ml_connector.ports import Clock, Records
from ml_connector.records import create_organisation, open_secret_store
from ml_connector.vault import Vault, find_keys
from ml_connector.vault.errors import SecretMissingError, SecretUnreadableError

Move = Callable[[float], None]
Sql = Callable[..., list[tuple[object, ...]]]
PLAIN = "s3cret of the ledger"
OLD = base64.b64encode(b"1" * 32).decode()
NEW = base64.b64encode(b"2" * 32).decode()


def open_vault(clock: Clock, *keys: str, organisation: str = "default") -> Vault:
    """A vault of that organisation with these keys, the newest last."""
    variables = {"ML_CONNECTOR_KEY": ",".join(keys)}
    store = open_secret_store(organisation, clock=clock)
    return Vault(store, find_keys(environment=variables), environment=variables)


def test_secret_is_kept_sealed_on_the_disk(
    records: Records, records_clock: Clock, records_database: Path
) -> None:
    """Neither the database nor its log of writes holds the text or the key."""
    vault = open_vault(records_clock, OLD)
    vault.save_secret("fusion.password", PLAIN)
    assert open_vault(records_clock, OLD).read_secret("secret:fusion.password") == PLAIN
    for file in records_database.parent.glob("records.db*"):
        content = file.read_bytes()
        assert PLAIN.encode() not in content
        assert b"1" * 32 not in content
        assert OLD.encode() not in content


def test_rotation_keeps_the_time_a_secret_was_saved(
    records: Records, records_clock: Clock, move: Move
) -> None:
    """The list answers how old a password is, not how old its wrapping."""
    open_vault(records_clock, OLD).save_secret("a", PLAIN)
    saved_at = records_clock.now()
    move(3600)
    both = open_vault(records_clock, OLD, NEW)
    assert both.rotate() == 1
    (secret,) = both.list_secrets()
    assert secret.saved_at == saved_at
    assert open_vault(records_clock, NEW).read_secret("secret:a") == PLAIN
    both.save_secret("a", "a newer text")
    (secret,) = both.list_secrets()
    assert secret.saved_at == records_clock.now()


def test_replacing_needs_the_blob_as_it_was(records: Records, records_clock: Clock) -> None:
    """A rotation does not bring back a text that was replaced meanwhile, nor a deleted one."""
    store = open_secret_store(clock=records_clock)
    store.save_blob("a", key_id="k1", blob=b"first")
    store.save_blob("a", key_id="k1", blob=b"second")
    assert not store.replace_blob("a", before=b"first", key_id="k2", blob=b"first again")
    assert store.find_blob("a") == b"second"
    assert store.replace_blob("a", before=b"second", key_id="k2", blob=b"third")
    assert store.delete_blob("a")
    assert not store.replace_blob("a", before=b"third", key_id="k2", blob=b"fourth")
    assert not store.delete_blob("a")
    assert store.load_names() == []


def test_secrets_of_organisations_are_apart(
    records: Records, records_clock: Clock, sql: Sql
) -> None:
    """Neither asking for it nor copying its row gives another organisation's secret."""
    create_organisation("north")
    open_vault(records_clock, OLD).save_secret("a", PLAIN)
    north = open_vault(records_clock, OLD, organisation="north")
    assert north.list_secrets() == []
    with pytest.raises(SecretMissingError):
        north.read_secret("secret:a")
    with pytest.raises(SecretMissingError):
        north.delete_secret("a")
    sql("UPDATE records_secret SET organisation_id = organisation_id + 1")
    with pytest.raises(SecretUnreadableError):
        north.read_secret("secret:a")


def test_rows_exchanged_in_the_database_do_not_open(
    records: Records, records_clock: Clock, sql: Sql
) -> None:
    """A log-in never gets the password of another one."""
    vault = open_vault(records_clock, OLD)
    vault.save_secret("a", PLAIN)
    vault.save_secret("b", "text of b")
    sql(
        "UPDATE records_secret SET name = 'c' WHERE name = 'a'",
        "UPDATE records_secret SET name = 'a' WHERE name = 'b'",
    )
    with pytest.raises(SecretUnreadableError):
        vault.read_secret("secret:a")
