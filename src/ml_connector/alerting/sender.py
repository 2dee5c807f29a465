"""Messages to channels, by the kept library `apprise`; addresses are secrets and never shown."""

from typing import Any, Final
from urllib.parse import parse_qs, unquote, urlencode, urlsplit

from ml_connector.domain.alerts import Severity
from ml_connector.errors import RefusedError, SystemUnavailableError
from ml_connector.logs import redact_text
from ml_connector.ports.alerts import Message
from ml_connector.settings.references import LOOPBACK_HOSTS

SEND_S: Final = 20.0
"""Longest time one message may take, connecting included."""
ANSWER_CHARS_MAX: Final = 300
"""Of what a channel answered."""
SECRET_CHARS_MIN: Final = 6
"""Parts of a path that are shorter are words such as `x`."""
TITLE_CHARS_MAX: Final = 200
BODY_CHARS_MAX: Final = 8_000
CLEAR_SCHEMES: Final = frozenset({"json", "form", "xml", "http"})
"""Schemes that would carry a message, and what is in their address, unencrypted."""
MAIL_SCHEMES: Final = frozenset({"mailto", "mailtos"})
KINDS: Final = {
    "mailto": "e-mail", "mailtos": "e-mail", "slack": "Slack", "msteams": "Teams",
    "workflows": "Teams", "workflow": "Teams", "json": "webhook", "jsons": "webhook",
    "form": "webhook", "forms": "webhook", "xml": "webhook", "xmls": "webhook",
}  # fmt: skip
_TYPES: Final = {
    Severity.INFO: "info", Severity.WARNING: "warning", Severity.CRITICAL: "failure",
}  # fmt: skip


class ChannelRefusedError(RefusedError):
    """The address of a channel leads nowhere, or is not safe."""

    code = "alerts.channel-refused"

    def __init__(self, finding: str) -> None:
        super().__init__(
            f"The address of the channel {finding}.",
            written="Nothing was sent.",
            next_step="Correct it with `ml-connector secrets set NAME`, then"
            " `ml-connector alerts test CHANNEL`.",
            finding=finding,
        )


class ChannelUnavailableError(SystemUnavailableError):
    """A channel does not answer, or does not take a message now."""

    code = "alerts.channel-unavailable"

    def __init__(self, answer: str) -> None:
        super().__init__(
            f"The channel did not take the message: {answer}",
            written="The alert is on its page; the message is tried again later.",
            next_step="See that the service answers, then `ml-connector alerts test CHANNEL`.",
            answer=answer,
        )


class AppriseSender:
    """A `ports.alerts.AlertSender`; opens what an address needs for one message only."""

    def verify_address(self, address: str) -> str:
        """What kind of channel the address is; see `ports.alerts.AlertSender`."""
        scheme = urlsplit(address.strip()).scheme.lower()
        _verify_safe(address.strip(), scheme)
        self._open(address.strip(), ())
        return name_kind(address)

    def submit_message(self, address: str, message: Message) -> None:
        """The channel has taken the message; see `ports.alerts.AlertSender`."""
        import apprise  # noqa: PLC0415 - it takes two seconds; commands begin without it.

        address = address.strip()
        _verify_safe(address, urlsplit(address).scheme.lower())
        outbox = apprise.Apprise(asset=_make_asset())
        outbox.add(self._open(address, message.recipients))
        answer = outbox.notify(
            title=" ".join(message.title.split())[:TITLE_CHARS_MAX],
            body=message.body[:BODY_CHARS_MAX], body_format="text",
            notify_type=_TYPES[message.severity], timeout=SEND_S,
        )  # fmt: skip
        if not answer:
            raise ChannelUnavailableError(_tell_answer(answer, address))

    def _open(self, address: str, recipients: tuple[str, ...]) -> Any:
        import apprise  # noqa: PLC0415 - as above.

        if recipients:
            joined = "&" if "?" in address else "?"
            address = f"{address}{joined}{urlencode({'to': ','.join(recipients)})}"
        channel = apprise.Apprise.instantiate(address, asset=_make_asset())
        if channel is None:
            raise ChannelRefusedError("is none that is known, or lacks a part")
        return channel


def name_kind(address: str) -> str:
    """What kind of channel an address is, in a word; nothing of it but its scheme is told."""
    scheme = urlsplit(address.strip()).scheme.lower()
    return KINDS.get(scheme, scheme or "unknown")


def _verify_safe(address: str, scheme: str) -> None:
    """Nothing secret goes over the net in the clear, and nobody is taken for somebody else."""
    parts = urlsplit(address)
    asked = {key.lower(): values[-1].lower() for key, values in parse_qs(parts.query).items()}
    if not scheme:
        raise ChannelRefusedError("has no scheme such as mailtos://, slack:// or jsons://")
    if _find_host(address) in LOOPBACK_HOSTS:
        return
    if scheme in CLEAR_SCHEMES:
        raise ChannelRefusedError(f"is not encrypted: write {scheme}s:// instead of {scheme}://")
    if asked.get("verify") in ("no", "false", "0", "off"):
        raise ChannelRefusedError("does not verify whom it speaks to: leave `verify=no` out")
    is_clear_mail = scheme in MAIL_SCHEMES and asked.get("mode") == "insecure"
    if is_clear_mail and ("@" in parts.netloc or "pass" in asked):
        raise ChannelRefusedError("sends its password unencrypted: leave `mode=insecure` out")


def _find_host(address: str) -> str:
    try:
        return urlsplit(address).hostname or ""
    except ValueError as error:
        raise ChannelRefusedError("cannot be read") from error


def _make_asset() -> Any:
    import apprise  # noqa: PLC0415 - as above.

    return apprise.AppriseAsset(
        app_id="ml-connector", app_desc="ml-connector", app_url="", image_url_mask="",
        image_path_mask="", async_mode=False, http_redirects=False, secure_logging=True,
        storage_mode=apprise.PersistentStoreMode.MEMORY, pgp_autogen=False, pem_autogen=False,
        default_service_retry=0,
    )  # fmt: skip


def _tell_answer(answer: Any, address: str) -> str:
    """What a channel answered, without the address it was asked at."""
    lines = [str(getattr(entry, "message", entry)) for entry in answer.logs()]
    text = next((line for line in reversed(lines) if "rror" in line or "ail" in line), "")
    if answer.timeout_count:
        text = f"it was silent for {SEND_S:.0f} seconds; it may have taken it"
    parts = urlsplit(address)
    parted = [parts.password, parts.username, parts.query, parts.path.strip("/")]
    parted += [part for part in parts.path.split("/") if len(part) >= SECRET_CHARS_MIN]
    for secret in (one for part in parted if part for one in (part, unquote(part))):
        text = text.replace(secret, "***")
    return redact_text(text or "it refused it")[:ANSWER_CHARS_MAX]
