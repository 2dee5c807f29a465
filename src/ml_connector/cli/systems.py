"""Commands that look at the systems behind the connections; none of them writes there."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ml_connector.cli.options import Options, opened, output_of
from ml_connector.cli.output import Listing, hint, show
from ml_connector.errors import SystemUnavailableError, find_exit_code, find_worst
from ml_connector.flows.answers.connection_listings import show_test
from ml_connector.ports import Check, CheckState
from ml_connector.wiring import House

if TYPE_CHECKING:
    from ml_connector.wiring.limits import CertificateEnd


def list_connections(*, options: Options | None = None) -> int:
    """List the connections: what they serve, how their last test ended, what ends when."""
    with opened(options) as house:
        rows = [
            (
                one.name, one.kind, ", ".join(one.flows), show_test(one.last),
                one.last.at if one.last else None, tell_certificate(one.certificate),
            )
            for one in house.list_connections()
        ]  # fmt: skip
    columns = ("Connection", "Kind", "Flows", "Last test", "Tested (UTC)", "Certificate")
    show(Listing(columns=columns, rows=rows), output_of(options))
    return 0


def tell_certificate(end: "CertificateEnd | None") -> str:
    """When a certificate ends, and what is being closed then."""
    if end is None:
        return ""
    if end.ends_at is None or end.place is None:
        return end.problem
    return f"ends {end.ends_at:%Y-%m-%d}, {end.place.render()}"


def check_connection(name: str, /, *, options: Options | None = None) -> int:
    """Check one connection: reach, log-in, rights; what was found is kept."""
    with opened(options) as house:
        test = house.test_connection(name)
    code = _show_checks([(name, check) for check in test.checks], options)
    if not test.is_whole:
        asked_s = test.milliseconds // 1_000
        hint(f"{name} left questions unanswered for {asked_s} s; above is what was found by then")
        return find_worst((code, SystemUnavailableError.exit_code))
    return code if test.is_whole else code or find_exit_code("unavailable")


def doctor(*, options: Options | None = None) -> int:
    """Check everything a run relies on, one line each, with what to do."""
    with opened(options) as house:
        return _show_checks(list(_check_all(house)), options)


def _check_all(house: House) -> Iterator[tuple[str, Check]]:
    """Yield what is found of the archive, of connections, of flows whose connections are sound."""
    for check in house.check_archive():
        yield "archive", check
    failed = set()
    for name in sorted(house.project.connections):
        for check in house.system(name).check():
            failed |= {name} if check.state is CheckState.FAILED else set()
            yield name, check
    for name, flow in sorted(house.project.flows.items()):
        if failed & {flow.source, flow.target}:
            yield name, _not_looked_at(sorted(failed & {flow.source, flow.target}))
            continue
        for check in house.check_flow(name):
            yield name, check


def _not_looked_at(connections: list[str]) -> Check:
    """A flow over a failed connection would only repeat its finding, after as long a wait."""
    return Check(
        subject="flow",
        state=CheckState.WARNING,
        finding=f"Not looked at: {', '.join(connections)} failed.",
    )


def _show_checks(found: list[tuple[str, Check]], options: Options | None) -> int:
    rows = [(where, c.subject, str(c.state), c.finding, c.next_step) for where, c in found]
    show(
        Listing(columns=("Where", "What", "State", "Found", "Next step"), rows=rows),
        output_of(options),
    )
    failed = [check for _, check in found if check.state is CheckState.FAILED]
    if failed:
        hint(f"{len(failed)} checks failed; mend them, then `ml-connector doctor` again")
    return find_worst(find_exit_code(check.code) for check in failed)


def discover(connection: str | None = None, /, *, options: Options | None = None) -> int:
    """List what can be named in flows: ledgers, value sets, lists, imports, exports."""
    with opened(options) as house:
        names = [connection] if connection else sorted(house.project.connections)
        rows = [
            (name, its.kind, its.name, its.remote_id, its.detail)
            for name in names
            for its in house.system(name).discover()
        ]
        show(
            Listing(columns=("Connection", "Kind", "Name", "Id", "Detail"), rows=rows),
            output_of(options),
        )
    return 0
