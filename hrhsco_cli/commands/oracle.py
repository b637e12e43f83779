"""``hrhsco oracle``: the quantisation ceiling, from annotations alone."""

from pathlib import Path
from typing import Annotated

import typer

from hrhsco_cli.commands.values import (
    ProtocolName,
    parse_depths,
    parse_one_of,
    parse_protocol,
    parse_size,
)


def oracle(
    annotations: Annotated[Path, typer.Argument(help="COCO annotations (.json or .json.gz).")],
    depths: Annotated[
        str, typer.Option(help="Stages of x2 from stride 4; the x4 baseline's heatmap is 2.")
    ] = "0,1,2,3,4",
    size: Annotated[
        str | None, typer.Option(help="Network input WxH, ratio kept.  [default: images' own]")
    ] = None,
    protocol: ProtocolName = None,
    max_dets: Annotated[
        str | None, typer.Option(help="Instead of dense's 1,100,500 an image and class.")
    ] = None,
    heatmap_target: Annotated[
        str, typer.Option(help="Targets that closed forms read: integer or subpixel.")
    ] = "integer",
    plot: Annotated[Path | None, typer.Option(help="Write the figure there (.png).")] = None,
    json_out: Annotated[
        Path | None, typer.Option("--json", help="Write every metric there.")
    ] = None,
) -> None:
    """Score a network without any error at each heatmap depth: what rounding alone costs.

    True boxes are encoded, decoded and scored. regression and sco are given the exact fraction and
    lose only to collisions; peak_center and peak_floor round; parabola, dark and centroid read a
    heatmap that equals its target, in which only subpixel targets hold a fraction.

    Example: hrhsco oracle runs/scenes/val.json --depths 0,1,2,3,4 --plot runs/ceiling.png
    Example: hrhsco oracle runs/scenes/val.json --depths 1,2 --heatmap-target subpixel
    Example: hrhsco oracle runs/scenes/val.json --protocol coco
    """
    from heads.targets import HEATMAP_TARGETS
    from hrhsco_cli.datasets.coco_json import read_scored_truth
    from hrhsco_cli.files import write_figure, write_json
    from hrhsco_cli.shown.ceiling import print_ceiling
    from reports import ceiling
    from reports.metrics.protocols import DENSE
    from reports.plots import ceiling as ceiling_plot

    wanted = parse_depths(depths)
    input_size = None if size is None else parse_size(size)
    parse_one_of(HEATMAP_TARGETS, heatmap_target, "--heatmap-target")
    rules = parse_protocol(protocol, max_dets) or DENSE
    truth = read_scored_truth(annotations, rules)
    targets = {"heatmap_target": heatmap_target}
    rows = ceiling.ceiling(truth, wanted, size=input_size, protocol=rules, targets=targets)
    print_ceiling(truth, rows, rules, input_size, heatmap_target)
    if plot is not None:
        write_figure(plot, ceiling_plot.draw(rows))
    if json_out is not None:
        meta = ceiling.conditions(truth, rules, input_size, heatmap_target)
        write_json(json_out, [{**row, "meta": meta} for row in rows])
