"""Errors that the command line turns into one line, and its exit codes."""

import errno
from collections.abc import Iterable
from difflib import get_close_matches

_OUT_OF_MEMORY = ("out of memory", "allocate memory", "bad_alloc")


class UserError(Exception):
    """A mistake that the user can mend: says the fact, the value and the next command.

    Raised anywhere, caught once by the command line, printed without a traceback. `variants`, which
    never imports this package, has `VariantError` for the same purpose.
    """


class NothingToShowError(UserError):
    """A sweep whose records do not make a table yet: every cell of a kind failed, or is still to come."""


class DiskError(UserError):
    """What was measured cannot be kept: a full disk, a folder that cannot be written.

    No fault of a variant: it ends a sweep, and no record says that the variant failed.
    """


def is_disk_full(error: BaseException) -> bool:
    """Whether a write failed for want of room; a quota and a limit on file sizes are the same to who writes."""
    return isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def is_out_of_memory(error: BaseException) -> bool:
    """Whether memory ran out, by the types and words of Python, torch and the runtimes."""
    return isinstance(error, MemoryError) or any(words in str(error).lower() for words in _OUT_OF_MEMORY)


def is_for_users(error: BaseException) -> bool:
    """Whether its message says all that a user needs, without its type and a traceback."""
    return isinstance(error, UserError) or getattr(error, "is_for_users", False)


def describe_failure(error: BaseException) -> str:
    """One line: the first line of the message, after the type where the message is not written for users."""
    message, name = str(error).strip().splitlines(), type(error).__name__
    if not message:
        return name
    return message[0] if is_for_users(error) else f"{name}: {message[0]}"


class ExitCode:
    """What a process ends with."""

    FINE = 0
    CHECK_FAILED = 1
    USAGE = 2
    NOTHING_MEASURED = 3
    INTERRUPTED = 130


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return " Did you mean 'x'?" for the closest known name, or "" where none is close."""
    close = get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f" Did you mean {close[0]!r}?" if close else ""
