"""``hrhsco oracle``: the quantisation ceiling, from annotations alone."""

from pathlib import Path
from typing import Annotated

import typer

from hrhsco_cli.commands.values import (
    MaxDets,
    ProtocolName,
    output,
    parse_depths,
    parse_noises,
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
    max_dets: MaxDets = None,
    heatmap_target: Annotated[
        str, typer.Option(help="Targets that closed forms read: integer or subpixel.")
    ] = "integer",
    center_noise: Annotated[
        str,
        typer.Option(help="The network's own error: sigma of each axis in image px, several."),
    ] = "0",
    draws: Annotated[
        int, typer.Option(min=1, help="Samples of that error; figures are their means.")
    ] = 1,
    plot: Annotated[Path | None, output("Write the figure there (.png).")] = None,
    json_out: Annotated[Path | None, output("Write every metric there.", "--json")] = None,
) -> None:
    """Score a network without any error at each heatmap depth: what rounding alone costs.

    True boxes are encoded, decoded and scored. regression and sco are given the exact fraction and
    lose only to collisions; peak_center and peak_floor round; parabola, dark and centroid read a
    heatmap that equals its target, in which only subpixel targets hold a fraction.

    Example: hrhsco oracle runs/scenes/val.json --depths 0,1,2,3,4 --plot runs/ceiling.png
    --center-noise moves every center by a Gaussian error before it is rounded. AP and mean error
    then are of samples; the rms error of a rounded center is exact, of all objects, none lost.

    Example: hrhsco oracle runs/scenes/val.json --center-noise 0,0.25,0.5,1
    Example: hrhsco oracle runs/scenes/val.json --depths 1,2 --heatmap-target subpixel
    Example: hrhsco oracle runs/scenes/val.json --protocol coco
    """
    from heads.targets import HEATMAP_TARGETS
    from hrhsco_cli.datasets.coco_json import read_scored_truth
    from hrhsco_cli.files import write_figure, write_json
    from hrhsco_cli.shown.ceiling import print_ceiling
    from reports import ceiling
    from reports.errors import InputError
    from reports.metrics.protocols import DENSE

    wanted = parse_depths(depths)
    input_size = None if size is None else parse_size(size)
    parse_one_of(HEATMAP_TARGETS, heatmap_target, "--heatmap-target")
    noises = parse_noises(center_noise)
    if plot is not None and len(noises) > 1:
        raise InputError(
            "--plot draws the ceiling of one --center-noise; name one, or leave it out"
        )
    rules = parse_protocol(protocol, max_dets) or DENSE
    truth = read_scored_truth(annotations, rules)
    targets = {"heatmap_target": heatmap_target}
    rows = [
        row
        for noise in noises
        for row in ceiling.score_ceiling(
            truth, wanted, size=input_size, protocol=rules, targets=targets,
            center_noise=noise, draws=draws,
        )
    ]  # fmt: skip
    meta = ceiling.describe_ceiling_conditions(truth, rules, input_size, heatmap_target, draws)
    print_ceiling(rows, meta)
    if plot is not None:
        from reports.plots import ceiling as ceiling_plot  # matplotlib takes a second

        write_figure(plot, ceiling_plot.draw(rows))
    if json_out is not None:
        write_json(json_out, [{**row, "meta": meta} for row in rows])
