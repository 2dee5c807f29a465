"""Commands about evidence packs; to verify one needs no project."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from ml_connector.cli.options import Options, opened, output_of
from ml_connector.cli.output import hint, say, show_json
from ml_connector.errors import UsageError


def make(
    flow: str,
    period: str,
    /,
    *,
    ledger: Annotated[str, Parameter(help="One ledger or company; default: all.")] = "",
    out: Annotated[Path | None, Parameter(help="Default: beside you, named by the period.")] = None,
    options: Options | None = None,
) -> int:
    """Write everything about a period into one signed zip."""
    with opened(options) as house:
        name, chunks = house.make_evidence(flow, period, ledger=ledger)
        path = out or Path(name)
        beside = path.with_name(f"{path.name}.new")
        try:
            with beside.open("wb") as file:
                size = sum(file.write(chunk) for chunk in chunks)
            beside.replace(path)
        except OSError as error:
            raise _refuse(path, error) from error
        finally:
            beside.unlink(missing_ok=True)
        fingerprint = house.show_evidence_key()[1]
    if output_of(options) == "json":
        show_json({"file": str(path), "bytes": size, "key": fingerprint})
    else:
        print(path)
    say(f"{size:,} bytes, signed with the key {fingerprint}.")
    hint(f"verify it anywhere: `ml-connector evidence verify {path}`")
    return 0


def verify(
    file: Path,
    /,
    *,
    key: Annotated[str, Parameter(help="Fingerprint it must be signed with.")] = "",
    options: Options | None = None,
) -> int:
    """Check a pack offline; names everything that is not as it was signed."""
    from ml_connector.wiring.evidence_checks import verify_pack  # noqa: PLC0415 - start-up time.

    found = verify_pack(file, fingerprint=key)
    if output_of(options) == "json":
        show_json(found._asdict())
    ledgers = ", ".join(found.ledgers)
    say(
        f"The pack holds: {found.period} of {ledgers} in {found.flow}, {found.members:,} members"
        f" and {found.links:,} links of the audit chain, none changed, added or removed."
    )
    say(f"Signed with the key {found.fingerprint}.")
    if not key:
        hint("Compare it with what the installation says: `ml-connector evidence key`.")
    return 0


def show_key(*, options: Options | None = None) -> int:
    """Print the public key that packs are signed with."""
    with opened(options) as house:
        pem, fingerprint = house.show_evidence_key()
    if output_of(options) == "json":
        show_json({"fingerprint": fingerprint, "pem": pem})
    else:
        print(pem, end="")
    say(f"Fingerprint: {fingerprint}")
    return 0


def _refuse(path: Path, error: OSError) -> UsageError:
    return UsageError(
        f"The pack cannot be written to {path}: {error.strerror}.",
        written="Nothing was kept.",
        next_step="Give a file that can be written: `--out FILE`.",
        file=str(path),
    )
