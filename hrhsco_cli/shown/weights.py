"""What a checkpoint holds, what of it was converted, and what a training starts from."""

from collections import Counter
from typing import TYPE_CHECKING, Any

from hrhsco_cli.console import Console
from hrhsco_cli.runs.original_recipe import described, resolved, trained_for
from hrhsco_cli.runs.weights.fitting import by_part, part_of
from hrhsco_cli.runs.weights.layouts import head_title
from hrhsco_cli.shown.table import new_table

if TYPE_CHECKING:
    from hrhsco_cli.runs.weight_conversion import Converted
    from hrhsco_cli.runs.weights.reading import Weights
    from hrhsco_cli.runs.weights.starting import Start

_SHOWN = 12
"""Reasons on the screen; weights.json has one for each tensor."""


def summary(weights: "Weights") -> dict[str, Any]:
    """What a checkpoint holds, as plain values."""
    parameters: Counter[str] = Counter()
    for tensor, each in weights.tensors.items():
        parameters[part_of(tensor)] += each.numel()
    name = trained_for(weights)
    return {
        "source": str(weights.source),
        "layout": weights.layout.title,
        "head": head_title(weights.head),
        "options": weights.head,
        "recipe": name,
        "trained_for": {} if name is None else described(resolved(name, weights)),
        "classes": list(weights.classes),
        "epoch": weights.meta.get("epoch"),
        "tensors": by_part(weights.tensors),
        "parameters": parameters,
        "left_out": list(weights.left_out),
    }


def print_contents(about: dict[str, Any]) -> None:
    """Print a ``summary``."""
    console = Console(soft_wrap=True, highlight=False)
    options = ", ".join(f"{key}={value}" for key, value in about["options"].items())
    for label, said in (
        ("layout", about["layout"]),
        ("head", f"{about['head']} ({options})" if options else about["head"]),
        ("recipe", _recipe(about)),
        ("classes", ", ".join(about["classes"])),
        ("epoch", about["epoch"]),
        ("left out", ", ".join(about["left_out"])),
    ):
        if said not in (None, ""):
            console.print(f"{label}: {said}")
    table = new_table("part", "tensors", "values")
    for part, count in about["tensors"].items():
        table.add_row(part, str(count), f"{about['parameters'][part]:,}")
    total = sum(about["tensors"].values()), sum(about["parameters"].values())
    table.add_row("all", str(total[0]), f"{total[1]:,}")
    console.print(table)


def _recipe(about: dict[str, Any]) -> str:
    if about["recipe"] is None:
        return ""
    told = "; ".join(f"{title} {words}" for title, words in about["trained_for"].items())
    return f"{about['recipe']} ({told})"


def print_converted(done: "Converted") -> None:
    """Print what was converted, and what to know of it, on stderr."""
    console = Console(stderr=True, soft_wrap=True, highlight=False)
    taken = ", ".join(f"{key.rpartition('.')[2]}={value}" for key, value in done.settings.items())
    console.print(
        f"{head_title(done.weights.head)} of {done.weights.layout.title}, recipe {done.recipe}: "
        f"all {len(done.weights.tensors)} tensors fit; taken from the checkpoint: {taken}"
    )
    for note in done.notes:
        console.print(f"note: {note}")


def print_start(start: "Start", console: Console) -> None:
    """Print what of a checkpoint a training starts from."""
    fit = start.fit
    counted = {
        "copied": by_part(fit.copied),
        "as initialised": by_part(fit.kept),
        "unused": by_part(fit.unused),
    }
    table = new_table("tensors of", *counted, title=f"from {start.weights.source}")
    for part in dict.fromkeys(part for each in counted.values() for part in each):
        table.add_row(part, *(str(each[part] or "–") for each in counted.values()))
    console.print(table)
    reasons = fit.reasons()
    lines = reasons[:_SHOWN]
    if len(reasons) > _SHOWN:
        lines.append(f"and {len(reasons) - _SHOWN} more; weights.json of the run names all")
    for line in [*lines, *(f"note: {each}" for each in start.notes)]:
        console.print(line, soft_wrap=True, highlight=False)
