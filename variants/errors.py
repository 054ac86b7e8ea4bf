"""The error class of this package."""


class VariantError(Exception):
    """A spec, space, backbone or weights file that the user can mend.

    Says the fact, the value and the next command; the command line prints it without a traceback.
    """
