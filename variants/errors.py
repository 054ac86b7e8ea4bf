"""The error class of this package."""


class VariantError(Exception):
    """A spec, space, backbone or weights file that the user can mend.

    Says the fact, the value and the next command; the command line prints it without a traceback.
    """

    is_for_users = True
    """What `bench.errors` asks of errors whose class it does not load."""

    def __init__(self, message: str, *place: str | int) -> None:
        """`place`: the axis that is at fault, and the index of its value, where it is one."""
        super().__init__(message)
        self.place = place
