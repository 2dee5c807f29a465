"""Sealed secrets: they open for their own name, with their own key, unchanged, or not at all."""

from collections.abc import Iterator

import pytest

from ml_connector.vault import KeyProvider, find_keys
from ml_connector.vault.envelope import Binding, rewrap, seal, unseal
from ml_connector.vault.errors import KeyMissingError, SecretUnreadableError

OLD_KEY = "QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE="
NEW_KEY = "QkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkI="
PLAIN = b"s3cret of the ledger"
HOME = Binding(organisation="default", name="fusion.password")


def keys_of(*texts: str) -> KeyProvider:
    """Keys given by a variable, the newest last."""
    return find_keys(environment={"ML_CONNECTOR_KEY": ",".join(texts)})


def causes(error: BaseException) -> Iterator[BaseException]:
    """The error and everything chained to it, shown or not."""
    at: BaseException | None = error
    while at is not None:
        yield at
        at = at.__cause__ or at.__context__


def test_sealed_secret_opens_for_its_own_name() -> None:
    """What was sealed comes back, and no two sealings are alike."""
    keys = keys_of(OLD_KEY)
    key_id, blob = seal(PLAIN, keys=keys, binding=HOME)
    assert unseal(blob, keys=keys, binding=HOME) == PLAIN
    assert key_id == keys.newest_key_id
    assert seal(PLAIN, keys=keys, binding=HOME)[1] != blob


def test_sealed_secret_shows_nothing_of_the_text() -> None:
    """Neither the text nor the key-encryption key is in the blob."""
    _, blob = seal(PLAIN, keys=keys_of(OLD_KEY), binding=HOME)
    assert PLAIN not in blob
    assert b"A" * 8 not in blob


@pytest.mark.parametrize(
    "other",
    [
        Binding(organisation="default", name="anaplan.password"),
        Binding(organisation="north", name="fusion.password"),
        Binding(organisation="defaultfusion", name=".password"),
        Binding(organisation="", name="defaultfusion.password"),
    ],
)
def test_swapped_secret_does_not_open(other: Binding) -> None:
    """A blob copied to another name or organisation is worth nothing there."""
    keys = keys_of(OLD_KEY)
    _, blob = seal(PLAIN, keys=keys, binding=HOME)
    with pytest.raises(SecretUnreadableError):
        unseal(blob, keys=keys, binding=other)
    with pytest.raises(SecretUnreadableError):
        rewrap(blob, keys=keys, binding=other)


def test_every_changed_byte_is_found() -> None:
    """Wherever a blob is tampered with, it does not open, and the error tells no text."""
    keys = keys_of(OLD_KEY)
    _, blob = seal(PLAIN, keys=keys, binding=HOME)
    for place in range(len(blob)):
        changed = blob[:place] + bytes((blob[place] ^ 1,)) + blob[place + 1 :]
        with pytest.raises((SecretUnreadableError, KeyMissingError)) as refusal:
            unseal(changed, keys=keys, binding=HOME)
        for error in causes(refusal.value):
            assert PLAIN.decode() not in repr(error) + str(error)


def test_every_cut_is_found() -> None:
    """A blob that lost its end, or has more than it had, does not open."""
    keys = keys_of(OLD_KEY)
    _, blob = seal(PLAIN, keys=keys, binding=HOME)
    for length in range(len(blob)):
        with pytest.raises((SecretUnreadableError, KeyMissingError)):
            unseal(blob[:length], keys=keys, binding=HOME)
    with pytest.raises(SecretUnreadableError):
        unseal(blob + b"\0", keys=keys, binding=HOME)


def test_parts_of_two_secrets_do_not_make_a_third() -> None:
    """A data key of one secret does not open the text of another of the same name."""
    keys = keys_of(OLD_KEY)
    _, first = seal(PLAIN, keys=keys, binding=HOME)
    _, second = seal(b"x" * len(PLAIN), keys=keys, binding=HOME)
    body = len(PLAIN) + 16 + 12
    with pytest.raises(SecretUnreadableError):
        unseal(first[:-body] + second[-body:], keys=keys, binding=HOME)


def test_wrong_key_is_named_by_its_id() -> None:
    """The refusal says which key is needed and where it was looked for, and no key."""
    key_id, blob = seal(PLAIN, keys=keys_of(OLD_KEY), binding=HOME)
    with pytest.raises(KeyMissingError, match=f"the key {key_id}.*ML_CONNECTOR_KEY") as refusal:
        unseal(blob, keys=keys_of(NEW_KEY), binding=HOME)
    assert NEW_KEY not in str(refusal.value)
    assert refusal.value.exit_code == 7


def test_rewrapped_secret_needs_the_new_key_only() -> None:
    """The text is not sealed anew: its bytes are the same, and the old key may go."""
    _, blob = seal(PLAIN, keys=keys_of(OLD_KEY), binding=HOME)
    both = keys_of(OLD_KEY, NEW_KEY)
    key_id, renewed = rewrap(blob, keys=both, binding=HOME)
    assert key_id == both.newest_key_id == keys_of(NEW_KEY).newest_key_id
    assert unseal(renewed, keys=keys_of(NEW_KEY), binding=HOME) == PLAIN
    assert renewed[-len(PLAIN) - 28 :] == blob[-len(PLAIN) - 28 :]
    with pytest.raises(KeyMissingError):
        unseal(renewed, keys=keys_of(OLD_KEY), binding=HOME)


def test_old_key_still_opens_what_it_wrapped() -> None:
    """A newer key does not lock out the secrets of the older one."""
    _, blob = seal(PLAIN, keys=keys_of(OLD_KEY), binding=HOME)
    assert unseal(blob, keys=keys_of(OLD_KEY, NEW_KEY), binding=HOME) == PLAIN


def test_blob_of_another_form_is_refused() -> None:
    """A later version's blob, or none at all, is not guessed at."""
    _, blob = seal(PLAIN, keys=keys_of(OLD_KEY), binding=HOME)
    for odd in (b"", b"MLCS", blob[:4] + b"\x02" + blob[5:], b"hello", b"MLCS\x01\x00\x00"):
        with pytest.raises(SecretUnreadableError):
            unseal(odd, keys=keys_of(OLD_KEY), binding=HOME)
