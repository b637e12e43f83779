"""Packages that only some options need."""

from reports.errors import InputError


def missing_extra(what: str, package: str, extra: str) -> InputError:
    """The error for an option whose package isn't installed.

    Args:
        what: the command or option that needs it.
        package: what it needs, by its name.
        extra: the extra of this project that installs it.
    """
    install = f"uv pip install -c constraints.txt -e '.[{extra}]'"
    return InputError(f"{what} needs {package}; run: {install} (in a checkout of hrhsco)")
