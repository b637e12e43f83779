"""``hrhsco doctor``: the environment in a table."""

import typer
from rich.table import Table

from hrhsco_cli.console import Console


def doctor() -> None:
    """Show versions, device and the backend of NMS and deformable convolution.

    Exits with 1 and names the mending step if something needed is missing: a package, a system
    library, shared memory. hrhsco calls no other program.

    Example: hrhsco doctor
    """
    from hrhsco_cli.runs.diagnosis import diagnose

    table = Table("what", "found", "to mend")
    findings = list(diagnose())
    for each in findings:
        table.add_row(each.what, each.found, each.mend)
    Console().print(table)
    raise typer.Exit(1 if any(each.mend for each in findings) else 0)
