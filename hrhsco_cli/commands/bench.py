"""``hrhsco bench``: parameters, operations, time and memory of recipes, side by side."""

from pathlib import Path
from typing import Annotated

import typer

from hrhsco_cli.commands.values import output, parse_size


def bench(
    recipes: Annotated[
        list[str],
        typer.Argument(help="RECIPE, RECIPE@key=value or a run; the first is the reference."),
    ],
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:INDEX.")] = "auto",
    precision: Annotated[str, typer.Option(help="fp32, tf32, bf16 or fp16.")] = "fp32",
    size: Annotated[
        str | None, typer.Option(help="Image WxH in px.  [default: the recipe's]")
    ] = None,
    batch: Annotated[int, typer.Option(min=1, help="Images at once.")] = 1,
    rounds: Annotated[int, typer.Option(min=3, help="Times that each network is measured.")] = 30,
    channels_last: Annotated[bool, typer.Option(help="Memory format.")] = False,
    compiled: Annotated[bool, typer.Option("--compile", help="torch.compile on branches.")] = False,
    cuda_graphs: Annotated[bool, typer.Option(help="Replay branches as CUDA graphs.")] = False,
    training: Annotated[bool, typer.Option(help="Time a training step too.")] = False,
    settings: Annotated[
        list[str] | None, typer.Option("--set", help="Change an option of every recipe.")
    ] = None,
    plot: Annotated[Path | None, output("Write the figure there (.png).")] = None,
    markdown: Annotated[Path | None, output("Write all tables there (.md).")] = None,
    json_out: Annotated[
        Path | None, output("Write raw samples and all figures there.", "--json")
    ] = None,
) -> None:
    """Measure recipes side by side, interleaved: cost, time by branch and end to end, memory.

    On a GPU, times in ms by CUDA events; on a CPU, ratios to the first recipe only. Depths are told
    apart by RECIPE@model.bbox_head.heatmap_upsample_num=3. A run that is named gets latency.* into
    its metrics.json, and its report shows them.

    Example: hrhsco bench quickstart_baseline quickstart_hrh_sco --rounds 10 --json runs/bench.json

    Example: hrhsco bench quickstart_hrh_sco quickstart_hrh_sco@model.bbox_head.sample_order=xy
    """
    from hrhsco_cli.files import write_figure, write_json, write_text
    from hrhsco_cli.progress import show_progress
    from hrhsco_cli.runs.environment import select_device

    image = None if size is None else parse_size(size)
    select_device(device)

    from hrhsco_cli.bench.measure import bench as measure
    from hrhsco_cli.bench.recorded import record
    from hrhsco_cli.bench.variants import Options
    from hrhsco_cli.shown.bench import print_bench
    from reports.plots import latency
    from reports.sections.bench import compose_bench

    options = Options(
        image, batch, precision, channels_last, compiled, cuda_graphs, rounds, training
    )
    with show_progress("bench", 0) as log:
        result = measure(recipes, settings or [], options, log.advance_to)
    record(recipes, result)
    print_bench(result)
    if markdown is not None:
        write_text(markdown, compose_bench(result, "Bench"))
    if plot is not None:
        write_figure(plot, latency.draw(result))
    if json_out is not None:
        write_json(json_out, result)
