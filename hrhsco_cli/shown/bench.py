"""What ``hrhsco bench`` measured."""

from typing import Any

from hrhsco_cli.console import Console
from hrhsco_cli.shown.table import new_table
from reports.metrics.definitions import CPU_TIME, GPU_LATENCY, METRICS
from reports.statistics.confidence import PERCENT

_COST_COLUMNS = ("params", "macs", "flops")
_CONDITIONS = ("device", "input_size", "batch", "precision", "rounds", "clock")


def print_bench(result: dict[str, Any]) -> None:
    """Print a bench: cost and memory, then time by stage; milliseconds on a GPU alone."""
    from reports.statistics.timing import summarize_times

    meta, variants = result["meta"], result["variants"]
    console = Console()
    kinds = list(next(iter(variants.values()))["memory"])
    memory = [f"MiB {kind}" for kind in kinds]
    cost = new_table("network", "M params", "G MACs", "G FLOPs", *memory, title="cost")
    for name, each in variants.items():
        figures = [
            METRICS[f"cost.{key}"].format(each["cost"][f"cost.{key}"]) for key in _COST_COLUMNS
        ]
        cost.add_row(name, *figures, *(f"{each['memory'][kind] / 2**20:.1f}" for kind in kinds))
    console.print(cost)
    gpu = meta["kind"] == GPU_LATENCY
    headings = ["median ms", "p10", "p90"] if gpu else []
    times = new_table(
        "network", "stage", *headings, "ratio", f"{PERCENT} interval", "share", title=meta["kind"]
    )
    for name, stages in summarize_times(variants).items():
        for stage, each in stages.items():
            absolute = (
                [f"{value:.3f}" for value in (each.median, each.p10, each.p90)] if gpu else []
            )
            ratio = "–" if each.ratio is None else f"{each.ratio:.3f}"
            interval = "–" if each.low is None else f"{each.low:.3f} to {each.high:.3f}"
            times.add_row(name, stage, *absolute, ratio, interval, f"{each.share:.3f}")
            name = ""
    console.print(times)
    for name, each in variants.items():
        if each["unstable"]:
            console.print(f"{name}: warm-up did not settle {', '.join(each['unstable'])}")
    if not gpu:
        console.print(f"{CPU_TIME} is no {GPU_LATENCY}: ratios only; raw samples go to --json")
    shown = {key: meta[key] for key in _CONDITIONS}
    console.print(
        ", ".join(f"{key.replace('_', ' ')} {value}" for key, value in shown.items()), style="dim"
    )
    console.print(f"cost: {meta['cost']}", style="dim")
