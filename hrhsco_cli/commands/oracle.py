"""``hrhsco oracle``: the quantization ceiling, from annotations alone."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hrhsco_cli.commands.completion import one_of
from hrhsco_cli.commands.options import Json, MaxDets, Plot, ProtocolName
from hrhsco_cli.commands.values import (
    parse_depths,
    parse_noises,
    parse_one_of,
    parse_protocol,
    parse_size,
    refuse_given,
)
from hrhsco_cli.console import Console, new_table
from hrhsco_cli.garbage import import_uncollected

if TYPE_CHECKING:
    from rich.table import Table

_COLUMNS = ("ap.all", "ap.small", "ap.75", "ap.90", "loc.px.mean")
_LOST = {
    "lost.collided": "in the same cell as another",
    "lost.merged": "in another's peak window",
    "lost.outside": "outside the map",
    "lost.dropped": "beyond topk",
}


def oracle(
    context: typer.Context,
    annotations: Annotated[
        Path, typer.Argument(help="Read these COCO annotations (.json or .json.gz).")
    ],
    depths: Annotated[
        str,
        typer.Option(
            help="Score these depths of the heatmap: numbers of x2 stages from stride 4. The x4 "
            "baseline's heatmap is that of depth 2."
        ),
    ] = "0,1,2,3,4",
    size: Annotated[
        str | None,
        typer.Option(
            help="Resize images to fit WxH px, as a network's input; their ratio is kept.",
            show_default="the images' own",
        ),
    ] = None,
    protocol: ProtocolName = None,
    max_dets: MaxDets = None,
    heatmap_target: Annotated[
        str,
        typer.Option(
            help="Let closed forms read targets of this kind: integer or subpixel.",
            autocompletion=one_of("integer", "subpixel"),
        ),
    ] = "integer",
    center_noise: Annotated[
        str,
        typer.Option(
            help="Give the network an error of its own: sigma of each axis in image px. Several "
            "are separated by commas."
        ),
    ] = "0",
    draws: Annotated[
        int, typer.Option(min=1, help="Draw that error so many times; figures are the means.")
    ] = 1,
    plot: Plot = None,
    json_out: Json = None,
) -> None:
    """Score a network without any error at each heatmap depth: what rounding alone costs.

    True boxes are encoded, decoded and scored. regression and sco are given the exact fraction and
    lose only to collisions; peak_center and peak_floor round; parabola, dark and centroid read a
    heatmap that equals its target, in which only subpixel targets hold a fraction.

    --center-noise moves every center by a Gaussian error before it is rounded. AP and mean error
    then are of samples; the rms error of a rounded center is exact, over all objects.

    Example: hrhsco oracle runs/scenes/val.json --depths 0,1,2,3,4 --plot runs/ceiling.png

    Example: hrhsco oracle runs/scenes/val.json --center-noise 0,0.25,0.5,1

    Example: hrhsco oracle runs/scenes/val.json --depths 1,2 --heatmap-target subpixel

    Example: hrhsco oracle runs/scenes/val.json --protocol coco
    """
    with import_uncollected():
        from heads.targets import HEATMAP_TARGETS
        from hrhsco_cli.datasets.coco_json import read_scored_truth
        from hrhsco_cli.files import write_figure, write_json
        from reports import ceiling
        from reports.errors import InputError
        from reports.metrics.protocols import DENSE

    wanted = parse_depths(depths)
    input_size = None if size is None else parse_size(size)
    parse_one_of(HEATMAP_TARGETS, heatmap_target, "--heatmap-target")
    noises = parse_noises(center_noise)
    if not any(noises):
        refuse_given(context, {"draws": "--draws"}, "needs --center-noise over 0")
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
    _print_ceiling(rows, meta)
    if plot is not None:
        from reports.plots import ceiling as ceiling_plot  # matplotlib takes a second

        write_figure(plot, ceiling_plot.draw(rows))
    if json_out is not None:
        write_json(json_out, [{**row, "meta": meta} for row in rows])


def _print_ceiling(rows: Sequence[Mapping[str, Any]], meta: Mapping[str, Any]) -> None:
    """Print the quantization ceiling, what was lost on the way, and what follows.

    Args:
        rows: what ``reports.ceiling.score_ceiling`` gives, for one center noise or several.
        meta: what ``reports.ceiling.describe_ceiling_conditions`` gives.
    """
    from reports.ceiling import conclude_by_source

    console = Console()
    noises = dict.fromkeys(row["center_noise"] for row in rows)
    for noise in noises:
        mine = [row for row in rows if row["center_noise"] == noise]
        if any(noises):
            console.print_line(_describe_noise(noise, meta["draws"]))
        console.print_table(_make_ceiling_table(mine, meta["protocol"], noisy=any(noises)))
        for depth, counts in _count_lost(mine).items():
            named = ", ".join(f"{count:g} {name}" for name, count in counts.items() if count)
            console.print_line(f"lost at n = {depth}: {named or 'none'}")
        for sentence in conclude_by_source(mine):
            console.print_line(sentence)
    conditions = dict(meta)
    for axis in conditions.pop("annotation_grid"):
        console.print_line(
            f"annotated centers, {axis['axis']}: {axis['whole pixel']:.1%} at whole pixels, "
            f"{axis['half pixel']:.1%} at halves, {axis['elsewhere']:.1%} elsewhere"
        )
    conditions["input_size"] = conditions["input_size"] or "the images' own"
    console.print_conditions(conditions)


def _describe_noise(noise: float, draws: int) -> str:
    if not noise:
        return "center noise 0 px: the network is without error"
    sample = "1 draw" if draws == 1 else f"means of {draws} draws"
    return (
        f"center noise {noise:g} px on each axis ({sample} of every object's error; exact rms: "
        "closed form, of all objects)"
    )


def _make_ceiling_table(
    rows: Sequence[Mapping[str, Any]], protocol: str, *, noisy: bool
) -> "Table":
    from reports.metrics.definitions import METRICS

    table = new_table("n", "cell (px)", title=f"protocol {protocol}")
    table.add_column("center source", overflow="fold")
    figures = [METRICS[key].label for key in _COLUMNS]
    for heading in [*figures, *(["exact rms (px)"] if noisy else []), "objects lost"]:
        table.add_column(heading, justify="right", overflow="fold")
    lost = _count_lost(rows)
    for row in rows:
        figures = [METRICS[key].format(row[key]) for key in _COLUMNS]
        if noisy:
            figures.append(METRICS["loc.px.rms"].format(row["exact.px.rms"]))
        total = f"{sum(lost[row['depth']].values()):g}"
        table.add_row(
            str(row["depth"]), f"{row['stride_px']:g}", row["center_source"], *figures, total
        )
    return table


def _count_lost(rows: Sequence[Mapping[str, Any]]) -> dict[int, dict[str, float]]:
    """Count the objects that were lost, by depth and reason."""
    return {row["depth"]: {name: row[key] for key, name in _LOST.items()} for row in rows}
