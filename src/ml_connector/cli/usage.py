"""What was typed wrongly, in the words and the form of every other error."""

from cyclopts import CycloptsError, MissingArgumentError, UnusedCliTokensError

from ml_connector.errors import UsageError

SECRETS_SET = ("secrets", "set")


def explain_usage(error: CycloptsError) -> UsageError:
    """The error to show for a command line that cannot be understood."""
    typed = tuple(error.command_chain or ())
    command = " ".join(("ml-connector", *typed))
    if typed == SECRETS_SET:
        return _refuse_value()
    return UsageError(
        _describe(error),
        written="Nothing was done.",
        next_step=f"See what there is: `{command} --help`.",
        command=command,
    )


def _describe(error: CycloptsError) -> str:
    if isinstance(error, UnusedCliTokensError):
        surplus = " ".join(error.unused_tokens or ())
        return f"{surplus!r} is too much: the command takes no further argument."
    if isinstance(error, MissingArgumentError) and error.argument is not None:
        name = error.keyword or error.argument.name
        wanted = "needs a value" if name.startswith("-") else "is missing"
        return f"{name} {wanted}."
    error.verbose = False
    return " ".join(str(error).split())


def _refuse_value() -> UsageError:
    # What was typed is not shown: it may be the secret itself.
    return UsageError(
        "`secrets set` takes a name and nothing else; the value is asked for or piped.",
        written="Nothing was stored. A value typed as an argument stands in the shell's history"
        " now: choose another one.",
        next_step="`ml-connector secrets set NAME`, or `… secrets set NAME < FILE`.",
    )
