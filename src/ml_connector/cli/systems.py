"""Commands that look at the systems behind the connections; none of them writes there."""

from collections.abc import Iterator

from ml_connector.cli.options import Options, opened, output_of
from ml_connector.cli.output import Listing, hint, show
from ml_connector.errors import find_exit_code, find_worst
from ml_connector.ports import Check, CheckState
from ml_connector.wiring import House


def list_connections(*, options: Options | None = None) -> int:
    """List the configured connections."""
    with opened(options) as house:
        rows = [(name, house.find_kind(name)) for name in sorted(house.project.connections)]
        show(Listing(columns=("Connection", "Kind"), rows=rows), output_of(options))
    return 0


def check_connection(name: str, /, *, options: Options | None = None) -> int:
    """Check one connection: reach, log-in, rights."""
    with opened(options) as house:
        return _show_checks([(name, check) for check in house.system(name).check()], options)


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
