"""Errors that the command line turns into one line, and its exit codes."""


class UserError(Exception):
    """A mistake that the user can mend: says the fact, the value and the next command.

    Raised anywhere, caught once by the command line, printed without a traceback. `variants`, which
    never imports this package, has `VariantError` for the same purpose.
    """


class NothingToShowError(UserError):
    """A sweep whose records do not make a table yet: every cell of a kind failed, or is still to come."""


def describe_failure(error: BaseException) -> str:
    """One line: the type and the first line of the message."""
    message = str(error).strip().splitlines()
    return f"{type(error).__name__}: {message[0]}" if message else type(error).__name__


class ExitCode:
    """What a process ends with."""

    FINE = 0
    CHECK_FAILED = 1
    USAGE = 2
    NOTHING_MEASURED = 3
    INTERRUPTED = 130
