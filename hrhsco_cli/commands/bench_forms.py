"""``hrhsco bench-forms``: what each fast form of the method's steps gains over the plain one."""

from pathlib import Path
from typing import Annotated

import typer

from hrhsco_cli.commands.values import output, parse_depths, parse_objects, parse_size


def bench_forms(
    steps: Annotated[list[str] | None, typer.Argument(help="Which steps.  [default: all]")] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:INDEX.")] = "auto",
    size: Annotated[str, typer.Option(help="Image WxH in px.")] = "1024x640",
    channels: Annotated[int, typer.Option(min=1, help="Of the feature map.")] = 384,
    classes: Annotated[int, typer.Option(min=1, help="K.")] = 10,
    depths: Annotated[str, typer.Option(help="Heatmap depths n.")] = "0,1,2,3,4",
    objects: Annotated[str, typer.Option(help="Objects or peaks.")] = "10,30,100,300,1000,2000",
    depth: Annotated[int, typer.Option(min=0, help="While objects vary.")] = 3,
    count: Annotated[int, typer.Option(min=1, help="Objects while depths vary.")] = 300,
    rounds: Annotated[int, typer.Option(min=3, help="Times that each form is measured.")] = 5,
    plot: Annotated[Path | None, output("Write the figure there (.png).")] = None,
    markdown: Annotated[Path | None, output("Write all tables there (.md).")] = None,
    json_out: Annotated[
        Path | None, output("Write raw samples and all figures there.", "--json")
    ] = None,
) -> None:
    """Measure fast forms against plain ones: time, memory, largest difference, and their growth.

    Steps: offsets, offsets_training, boxes, boxes_training, targets, decoding, heatmap,
    baseline_heatmap. Both forms get the same input and are timed in turn. A whole training step is
    ``hrhsco bench --training``.

    Example: hrhsco bench-forms targets decoding --size 256x160 --plot runs/growth.png
    """
    from hrhsco_cli.files import write_figure, write_json, write_text
    from hrhsco_cli.progress import show_progress
    from hrhsco_cli.runs.environment import select_device
    from hrhsco_cli.runs.registration import register

    image, all_depths, numbers = parse_size(size), parse_depths(depths), parse_objects(objects)
    select_device(device)
    register()  # mmdet's own functions, the plain forms, can be imported only after it

    from hrhsco_cli.bench.growth import Plan, measure
    from hrhsco_cli.shown.growth import print_growth
    from reports.plots import growth
    from reports.sections.growth import compose_growth

    plan = Plan(
        tuple(steps or ()), all_depths, depth, numbers, count, image, channels, classes, rounds
    )
    with show_progress("bench", 0) as log:
        result = measure(plan, log.advance_to)
    print_growth(result)
    if markdown is not None:
        write_text(markdown, compose_growth(result, "Fast against plain forms"))
    if plot is not None:
        write_figure(plot, growth.draw(result))
    if json_out is not None:
        write_json(json_out, result)
