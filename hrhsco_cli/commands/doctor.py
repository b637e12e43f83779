"""``hrhsco doctor``: the environment in a table."""

import typer

from hrhsco_cli.commands.options import Json
from hrhsco_cli.console import Console, new_table


def doctor(json_out: Json = None) -> None:
    """Show versions, device and the backend of NMS and deformable convolution.

    Exits with 1 and names the mending step if something needed is missing: a package, a system
    library, shared memory. hrhsco calls no other program.

    Example: hrhsco doctor
    """
    from dataclasses import asdict

    from hrhsco_cli.files import write_json
    from hrhsco_cli.runs.diagnosis import diagnose

    table = new_table("what", "found", "to mend")
    for column in table.columns:
        column.justify = "left"
    findings = list(diagnose())
    for each in findings:
        table.add_row(each.what, each.found, each.mend)
    Console().print_table(table)
    if json_out is not None:
        write_json(json_out, [asdict(each) for each in findings])
    raise typer.Exit(1 if any(each.mend for each in findings) else 0)
