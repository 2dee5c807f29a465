"""Log lines are quiet, structured, and never hold a secret."""

import io
import json
import logging

import pytest
import structlog

from ml_connector import logs

SECRET = "s3cr3t-value-of-the-client"


def events_of(out: io.StringIO) -> list[dict[str, object]]:
    """The JSON lines that were written."""
    return [json.loads(line) for line in out.getvalue().splitlines()]


def test_healthy_run_is_silent_at_the_default_level() -> None:
    """Information is not written unless it was asked for."""
    out = io.StringIO()
    logs.set_up_logs(stream=out)

    structlog.get_logger().info("run.step_finished", lines_read=3)
    logging.getLogger("httpx2").info("HTTP Request: GET https://erp.example")

    assert out.getvalue() == ""


@pytest.mark.parametrize("level", ["debug", "info", "warning", "error"])
def test_level_says_what_of_ours_is_written_and_no_level_shows_a_secret(
    level: logs.LevelName,
) -> None:
    """Libraries tell routine things as information, addresses among them: they stay quiet."""
    out = io.StringIO()
    logs.set_up_logs(log_format="json", level=level, stream=out)
    logs.hide_secret(SECRET)
    ours = logging.getLogger("ml_connector.engine.steps")
    levels = ["debug", "info", "warning", "error"]

    for name in levels:
        getattr(structlog.get_logger(), name)("call.tried", token="abc", url=f"x?key={SECRET}")
        getattr(ours, name)("step.ended Authorization: Bearer %s", SECRET)
    logging.getLogger("httpx2").info("GET https://erp.example")
    logging.getLogger("dbos").debug("SELECT")

    written = [row["level"] for row in events_of(out)]
    assert written == [name for name in levels[levels.index(level) :] for _ in range(2)]
    assert SECRET not in out.getvalue()
    assert "abc" not in out.getvalue()


@pytest.mark.parametrize(
    "key",
    ["token", "access_token", "tokenValue", "Authorization", "client_secret", "client-secret",
     "password", "Set-Cookie", "private_key", "refreshTokenId", "passphrase", "API_KEY"],
)  # fmt: skip
def test_value_under_a_secret_key_is_masked_at_any_depth(key: str) -> None:
    """A key that speaks of a secret hides its value, whatever the value is."""
    out = io.StringIO()
    logs.set_up_logs(log_format="json", level="info", stream=out)

    structlog.get_logger().info("login.tried", **{key: "abc"}, inner=[{key: {"a": "abc"}}])

    assert "abc" not in out.getvalue()
    assert events_of(out)[0]["inner"] == [{key: logs.MASK}]


@pytest.mark.parametrize("key", ["secret_name", "token_expires_at", "tokens", "connection"])
def test_name_or_expiry_of_a_secret_is_shown(key: str) -> None:
    """What is about a secret but is none stays readable."""
    assert logs.redact_event(None, "info", {key: "abc"}) == {key: "abc"}


def test_known_secret_is_masked_wherever_it_appears() -> None:
    """A secret handed over at log-in is masked in prose, bytes, errors and library records."""
    logs.hide_secret(SECRET)
    out = io.StringIO()
    logs.set_up_logs(log_format="json", level="info", stream=out)

    logger = structlog.get_logger()
    logger.warning("call.failed", url=f"https://a.example/?x={SECRET}", raw=SECRET.encode())
    logging.getLogger("library").warning("sent %s", SECRET)
    try:
        raise ValueError(SECRET)  # noqa: TRY301 - the trace is what is looked at.
    except ValueError:
        logger.exception("call.failed")

    assert SECRET not in out.getvalue()
    assert len(events_of(out)) == 3
    assert "ValueError" in str(events_of(out)[2]["exception"])


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Authorization: Bearer abc.def=", "Authorization: Bearer ***"),
        ("AnaplanAuthToken xyz, next", "AnaplanAuthToken ***, next"),
        ("basic dXNlcjpwYXNz", "basic ***"),
        ("postgresql://app:hunter2@db/records", "postgresql://app:***@db/records"),
        ("https://jde.example/next?token=abc&page=2", "https://jde.example/next?token=***&page=2"),
        ("Basic", "Basic"),
        ("no secret here", "no secret here"),
    ],
)
def test_text_shaped_like_credentials_is_masked(text: str, shown: str) -> None:
    """What looks like credentials is masked even when nobody registered it."""
    assert logs.redact_text(text) == shown


def test_longer_secret_leaves_no_tail_when_another_begins_it() -> None:
    """Of two secrets that begin alike the longer one is masked whole."""
    logs.hide_secret("abcdef-1")
    logs.hide_secret("abcdef-1-and-more")

    assert logs.redact_text("x abcdef-1-and-more y") == "x *** y"


def test_secret_too_short_to_mean_anything_is_not_remembered() -> None:
    """A one-letter password does not blank out every log line."""
    logs.hide_secret("a")

    assert logs.redact_text("a plain word") == "a plain word"


def test_oldest_secrets_are_forgotten_at_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that renews tokens for months holds a bounded number of them."""
    monkeypatch.setattr(logs, "_known", logs._KnownSecrets())
    for number in range(logs.SECRETS_HELD_MAX + 1):
        logs.hide_secret(f"token-number-{number:06d}")

    assert logs.redact_text("token-number-000000") == "token-number-000000"
    assert logs.redact_text("token-number-000001") == "***"


def test_console_lines_are_plain_where_no_terminal_reads_them() -> None:
    """Colours are for terminals only."""
    out = io.StringIO()
    logs.set_up_logs(stream=out)

    structlog.get_logger().warning("lease.lost", model="Finance Planning")

    assert "lease.lost" in out.getvalue()
    assert "\x1b" not in out.getvalue()
