"""``hrhsco doctor``: the environment in a table."""

import typer
from rich.console import Console
from rich.table import Table


def doctor() -> None:
    """Show versions, device and the backend of NMS and deformable convolution.

    Exits with 1 and names the mending step if something needed is missing.

    Example: hrhsco doctor
    """
    from hrhsco_cli.runs.environment import package_versions

    table = Table("what", "found", "to mend")
    missing = False
    for name, found in package_versions().items():
        missing |= found is None
        table.add_row(name, found or "missing", "" if found else f"pip install {name}")
    for what, found, mend in _probe():
        missing |= bool(mend)
        table.add_row(what, found, mend)
    Console().print(table)
    raise typer.Exit(1 if missing else 0)


def _probe() -> list[tuple[str, str, str]]:
    """Things that only importing tells: (what, found, mending step or nothing)."""
    try:
        from heads.registered import BACKEND
        from hrhsco_cli.runs.environment import device_name

        return [
            ("device", device_name(), ""),
            ("NMS and deformable convolution", f"{BACKEND.name} {BACKEND.version}", ""),
        ]
    except Exception as error:  # whatever breaks the import is what the person must read
        return [
            (
                "mmdet",
                f"{type(error).__name__}: {error}",
                "install hrhsco again, with constraints.txt",
            )
        ]
