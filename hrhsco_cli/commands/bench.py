"""``hrhsco bench``: parameters, operations, time and memory of recipes, side by side."""

from typing import Annotated, Any

import typer

from hrhsco_cli.commands.completion import complete_recipe, one_of
from hrhsco_cli.commands.options import Batch, Device, Json, Markdown, Plot, RecipeSettings
from hrhsco_cli.commands.values import parse_size
from hrhsco_cli.console import Console, new_table, print_note

_COST_COLUMNS = ("params", "macs", "flops")
_CONDITIONS = ("device", "input_size", "batch", "precision", "rounds", "clock")


def bench(
    recipes: Annotated[
        list[str],
        typer.Argument(
            help="Measure these, each written as RECIPE, RECIPE@key=value or the folder of a run; "
            "the first one is the reference.",
            autocompletion=complete_recipe,
        ),
    ],
    device: Device = "auto",
    precision: Annotated[
        str,
        typer.Option(
            help="Compute in this precision: fp32, tf32, bf16 or fp16.",
            autocompletion=one_of("fp32", "tf32", "bf16", "fp16"),
        ),
    ] = "fp32",
    size: Annotated[
        str | None, typer.Option(help="Take images of WxH px.", show_default="the recipe's")
    ] = None,
    batch: Batch = 1,
    rounds: Annotated[
        int, typer.Option(min=3, help="Measure each network so many times, in turn.")
    ] = 30,
    channels_last: Annotated[
        bool, typer.Option(help="Lay out tensors in memory with the channels last.")
    ] = False,
    compiled: Annotated[
        bool, typer.Option("--compile", help="Compile the branches with torch.compile.")
    ] = False,
    cuda_graphs: Annotated[bool, typer.Option(help="Replay the branches as CUDA graphs.")] = False,
    training: Annotated[bool, typer.Option(help="Time a training step too.")] = False,
    settings: RecipeSettings = None,
    plot: Plot = None,
    markdown: Markdown = None,
    json_out: Json = None,
) -> None:
    """Measure recipes side by side, interleaved: cost, time by branch and end to end, memory.

    On a GPU, times are in ms (CUDA events); on a CPU, they are ratios to the first recipe only.
    Name depths by RECIPE@model.bbox_head.heatmap_upsample_num=3. A run that is named gets latency.*
    into its metrics.json, and its report shows them, unless --set or --size changed it.

    Example: hrhsco bench quickstart_baseline quickstart_hrh_sco --rounds 10 --json runs/bench.json

    Example: hrhsco bench quickstart_hrh_sco quickstart_hrh_sco@model.bbox_head.sample_order=xy
    """
    from hrhsco_cli.files import write_figure, write_json, write_text
    from hrhsco_cli.progress import show_progress
    from hrhsco_cli.runs.environment import select_device

    image = None if size is None else parse_size(size)
    select_device(device)

    from hrhsco_cli.bench.measure import measure_recipes
    from hrhsco_cli.bench.run_metrics import write_latencies
    from hrhsco_cli.bench.timed_networks import BenchOptions
    from reports.plots import latency
    from reports.sections.bench import compose_bench

    options = BenchOptions(
        image, batch, precision, channels_last, compiled, cuda_graphs, rounds, training
    )
    with show_progress("bench", 0) as log:
        result = measure_recipes(recipes, settings or [], options, log.advance_to)
    _print_bench(result)
    if markdown is not None:
        write_text(markdown, compose_bench(result, "Bench"))
    if plot is not None:
        write_figure(plot, latency.draw(result))
    if json_out is not None:
        write_json(json_out, result)
    left = write_latencies(recipes, result, as_recorded=not settings and image is None)
    for run, why in left.items():
        print_note(f"{run} keeps none of these figures: {why}")


def _print_bench(result: dict[str, Any]) -> None:
    """Print cost and memory, then time by stage; milliseconds on a GPU alone."""
    from reports.metrics.definitions import CPU_TIME, GPU_LATENCY

    meta, variants = result["meta"], result["variants"]
    gpu = meta["kind"] == GPU_LATENCY
    console = Console()
    _print_cost(variants, console)
    _print_times(variants, meta["kind"], console, absolute=gpu)
    for name, each in variants.items():
        if each["unstable"]:
            console.print_line(f"{name}: warm-up did not settle {', '.join(each['unstable'])}")
    if not gpu:
        console.print_line(f"{CPU_TIME} is no {GPU_LATENCY}: ratios only; raw samples go to --json")
    console.print_conditions({key: meta[key] for key in _CONDITIONS})
    console.print_line(f"cost: {meta['cost']}", style="dim")


def _print_cost(variants: dict[str, Any], console: Console) -> None:
    from reports.metrics.definitions import METRICS

    kinds = list(next(iter(variants.values()))["memory"])
    memory = [f"MiB {kind}" for kind in kinds]
    table = new_table("network", "M params", "G MACs", "G FLOPs", *memory, title="cost")
    for name, each in variants.items():
        figures = [
            METRICS[f"cost.{key}"].format(each["cost"][f"cost.{key}"]) for key in _COST_COLUMNS
        ]
        table.add_row(name, *figures, *(f"{each['memory'][kind] / 2**20:.1f}" for kind in kinds))
    console.print_table(table)


def _print_times(variants: dict[str, Any], title: str, console: Console, *, absolute: bool) -> None:
    from reports.statistics.confidence import PERCENT
    from reports.statistics.timing import summarize_times

    headings = ["median ms", "p10", "p90"] if absolute else []
    table = new_table(
        "network", "stage", *headings, "ratio", f"{PERCENT} interval", "share", title=title
    )
    for name, stages in summarize_times(variants).items():
        for stage, each in stages.items():
            values = (each.median, each.p10, each.p90) if absolute else ()
            ratio = "–" if each.ratio is None else f"{each.ratio:.3f}"
            interval = "–" if each.low is None else f"{each.low:.3f} to {each.high:.3f}"
            times = (f"{value:.3f}" for value in values)
            table.add_row(name, stage, *times, ratio, interval, f"{each.share:.3f}")
            name = ""
    console.print_table(table)
