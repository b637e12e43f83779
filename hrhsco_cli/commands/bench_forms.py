"""``hrhsco bench-forms``: what each fast form of the method's steps gains over the plain one."""

from typing import Annotated, Any

import typer

from hrhsco_cli.commands.completion import one_of
from hrhsco_cli.commands.options import Device, Json, Markdown, Plot
from hrhsco_cli.commands.values import parse_depths, parse_objects, parse_size
from hrhsco_cli.console import Console, new_table
from hrhsco_cli.progress import show_progress

STEP_NAMES = (
    "offsets", "offsets_training", "boxes", "boxes_training", "targets", "decoding", "heatmap",
    "baseline_heatmap",
)  # fmt: skip
_CONDITIONS = ("device", "size", "channels", "classes", "precision", "rounds", "clock")


def bench_forms(
    steps: Annotated[
        list[str] | None,
        typer.Argument(
            help="Measure these steps.", show_default="all", autocompletion=one_of(*STEP_NAMES)
        ),
    ] = None,
    device: Device = "auto",
    size: Annotated[str, typer.Option(help="Take images of WxH px.")] = "1024x640",
    channels: Annotated[
        int, typer.Option(min=1, help="Give the feature map so many channels.")
    ] = 384,
    classes: Annotated[int, typer.Option(min=1, help="Detect so many classes.")] = 10,
    depths: Annotated[
        str, typer.Option(help="Measure at these depths of the heatmap: numbers of x2 stages.")
    ] = "0,1,2,3,4",
    objects: Annotated[
        str, typer.Option(help="Measure with so many objects, or peaks, in an image.")
    ] = "10,30,100,300,1000,2000",
    depth: Annotated[
        int, typer.Option(min=0, help="Keep this depth while the number of objects varies.")
    ] = 3,
    count: Annotated[
        int, typer.Option(min=1, help="Keep this number of objects while the depth varies.")
    ] = 300,
    rounds: Annotated[int, typer.Option(min=3, help="Measure each form so many times.")] = 5,
    plot: Plot = None,
    markdown: Markdown = None,
    json_out: Json = None,
) -> None:
    """Measure fast forms against plain ones: time, memory, largest difference, and their growth.

    Steps: offsets, offsets_training, boxes, boxes_training, targets, decoding, heatmap,
    baseline_heatmap. Both forms get the same input and are timed in turn. A whole training step is
    ``hrhsco bench --training``.

    Example: hrhsco bench-forms targets decoding --size 256x160 --plot runs/growth.png
    """
    from hrhsco_cli.files import write_figure, write_json, write_text
    from hrhsco_cli.runs.environment import select_device
    from hrhsco_cli.runs.registration import register

    image, all_depths, numbers = parse_size(size), parse_depths(depths), parse_objects(objects)
    select_device(device)
    register()  # mmdet's own functions, the plain forms, can be imported only after it

    from hrhsco_cli.bench.growth import GrowthPlan, measure_growth
    from reports.plots import growth
    from reports.sections.growth import compose_growth

    plan = GrowthPlan(
        tuple(steps or ()), all_depths, depth, numbers, count, image, channels, classes, rounds
    )
    with show_progress("bench", 0) as log:
        result = measure_growth(plan, log.advance_to)
    _print_growth(result)
    if markdown is not None:
        write_text(markdown, compose_growth(result, "Fast against plain forms"))
    if plot is not None:
        write_figure(plot, growth.draw(result))
    if json_out is not None:
        write_json(json_out, result)


def _print_growth(result: dict[str, Any]) -> None:
    """Print ratios, memory and differences; no absolute times, which ``--json`` holds."""
    from reports.sections.growth import HEADINGS, format_growth_rows
    from reports.statistics.growth import tabulate_growth

    console, meta = Console(), result["meta"]
    table = new_table(*HEADINGS, title=f"fast against plain forms, {meta['kind']}")
    for row in format_growth_rows(tabulate_growth(result)):
        table.add_row(*row)
    console.print_table(table)
    console.print_conditions({key: meta[key] for key in _CONDITIONS})
