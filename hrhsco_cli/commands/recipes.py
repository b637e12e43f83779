"""``hrhsco recipes``: what comes with the tool."""

from rich.table import Table

from hrhsco_cli.console import Console


def recipes() -> None:
    """List the shipped recipes and grids.

    Example: hrhsco recipes
    """
    from hrhsco_cli.runs.recipe import shipped

    table = Table("name", "kind", "what it is")
    for each in shipped():
        table.add_row(each.name, each.kind, each.summary)
    Console().print(table)
