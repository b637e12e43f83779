"""``hrhsco recipes``: what comes with the tool."""

from hrhsco_cli.commands.options import Json
from hrhsco_cli.console import Console, new_table


def recipes(json_out: Json = None) -> None:
    """List the shipped recipes and grids.

    Example: hrhsco recipes
    """
    from dataclasses import asdict

    from hrhsco_cli.files import write_json
    from hrhsco_cli.runs.recipe import list_shipped

    found = list_shipped()
    table = new_table("name", "kind", "what it is")
    for column in table.columns:
        column.justify = "left"
    for each in found:
        table.add_row(each.name, each.kind, each.summary)
    Console().print_table(table)
    if json_out is not None:
        write_json(json_out, [asdict(each) for each in found])
