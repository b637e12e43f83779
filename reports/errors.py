"""The error that bad input raises: one line that says what is wrong, where, and how to mend it."""


class InputError(ValueError):
    """Input that cannot be used. The command line prints its message alone and exits with 2."""
