"""What several commands show: training progress and a table of metrics."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from hrhsco_cli.progress import progress
from reports.metrics.definitions import BRANCHES, METRICS, PER_CLASS, definition

if TYPE_CHECKING:
    from hrhsco_cli.runs.training import Plan
    from reports.frames import GroundTruth


@contextmanager
def training_progress(title: str) -> Iterator[dict[str, Any]]:
    """Callbacks ``on_plan`` and ``on_step`` for a training that move a progress display."""
    with progress(title, 0) as log:

        def on_plan(plan: "Plan") -> None:
            log.set_total(plan.steps)

        def on_step(line: dict[str, Any]) -> None:
            loss = f"loss {line['loss']:.3g}" if "loss" in line else ""
            log.advance(note=loss)

        yield {"on_plan": on_plan, "on_step": on_step}


_ERROR_COLUMNS = {"px": "loc.px", "cells": "loc.cell", "px, pairs of IoU 0.5": "loc_iou.px"}
_COST_COLUMNS = ("params", "macs", "flops")


def print_metrics(metrics: dict[str, Any]) -> None:
    """Print what ``hrhsco evaluate`` measured, with its conditions; files hold all of it."""
    console = Console()
    meta = metrics["meta"]
    console.print(_precision_table(metrics))
    console.print(_error_table(metrics))
    if "cost.params" in metrics:
        console.print(_cost_table(metrics))
        console.print(f"cost: {meta['cost']}", style="dim")
        console.print(f"not counted: {', '.join(meta['cost_not_counted'])}", style="dim")
    shown = {
        key: meta[key] for key in ("max_dets", "min_score", "fingerprint", "device") if key in meta
    }
    console.print(", ".join(f"{key} {value}" for key, value in shown.items()), style="dim")


def _table(*headings: str, title: str) -> Table:
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for index, heading in enumerate(headings):
        table.add_column(heading, justify="right" if index else "left", overflow="fold")
    return table


def _precision_table(metrics: dict[str, Any]) -> Table:
    table = _table("", "%", title="average precision, its error split (TIDE), recall")
    groups = ("ap.", "tide.", PER_CLASS, "loc.recall", "loc.chance", "loc_iou.recall")
    for key in metrics:
        if key.startswith(groups):
            metric = definition(key)
            table.add_row(metric.heading, metric.format(metrics[key]))
    return table


def _error_table(metrics: dict[str, Any]) -> Table:
    table = _table("", *_ERROR_COLUMNS, title="localisation error of the objects found")
    names = [key.removeprefix("loc.px.") for key in metrics if key.startswith("loc.px.")]
    for name in names:
        keys = [f"{group}.{name}" for group in _ERROR_COLUMNS.values()]
        unit = " (%)" if METRICS[keys[0]].unit == "%" else ""
        heading = name.replace("_", " ") + unit
        table.add_row(heading, *(METRICS[key].format(metrics[key]) for key in keys))
    return table


def _cost_table(metrics: dict[str, Any]) -> Table:
    labels = [METRICS[f"cost.{name}"].label for name in _COST_COLUMNS]
    table = _table("cost of one image", *labels, title="")
    branches = ["", *(f"{name}." for name in BRANCHES)]
    for branch in branches:
        keys = [f"cost.{branch}{name}" for name in _COST_COLUMNS]
        if keys[0] in metrics:
            figures = (METRICS[key].format(metrics[key]) for key in keys)
            table.add_row(branch.rstrip(".") or "whole network", *figures)
    return table


_CEILING = ("ap.all", "ap.small", "ap.75", "ap.90", "loc.px.mean")
_LOST = {
    "lost.collided": "in the same cell as another",
    "lost.merged": "in another's peak window",
    "lost.outside": "outside the map",
    "lost.dropped": "beyond topk",
}


def print_ceiling(
    truth: "GroundTruth",
    rows: list[dict[str, Any]],
    max_dets: tuple[int, ...],
    size: tuple[int, int] | None,
) -> None:
    """Print the quantisation ceiling, what was lost on the way, and what follows."""
    from reports.ceiling import conclusion, conditions

    table = Table("n", "cell (px)", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column("center source", no_wrap=True, min_width=11)
    for key in _CEILING:
        widest = max(map(len, METRICS[key].label.split()))
        table.add_column(METRICS[key].label, justify="right", min_width=widest)
    table.add_column("objects lost", justify="right")
    lost = {row["depth"]: {name: row[key] for key, name in _LOST.items()} for row in rows}
    for row in rows:
        figures = (METRICS[key].format(row[key]) for key in _CEILING)
        total = str(sum(lost[row["depth"]].values()))
        table.add_row(
            str(row["depth"]), f"{row['stride_px']:g}", row["center_source"], *figures, total
        )
    console = Console()
    console.print(table)
    for depth, counts in lost.items():
        named = ", ".join(f"{count} {name}" for name, count in counts.items() if count)
        console.print(f"lost at n = {depth}: {named or 'none'}")
    for sentence in conclusion(rows):
        console.print(sentence)
    about = conditions(truth, max_dets, size)
    for axis in about.pop("annotation_grid"):
        console.print(
            f"annotated centers, {axis['axis']}: {axis['whole pixel']:.1%} at whole pixels, "
            f"{axis['half pixel']:.1%} at halves, {axis['elsewhere']:.1%} elsewhere"
        )
    about["input_size"] = about["input_size"] or "the images' own"
    console.print(", ".join(f"{key} {value}" for key, value in about.items()), style="dim")


def print_comparison(done: dict[str, Any]) -> None:
    """Print a paired comparison and what it holds for."""
    meta = done["meta"]
    table = Table("metric", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for heading in ("A", "B", "B - A", "95 % interval"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("verdict")
    for key, row in done["metrics"].items():
        metric = METRICS[key]
        signed = [
            "–" if row[name] is None else f"{row[name] * metric.scale:+.{metric.digits}f}"
            for name in ("difference", "low", "high")
        ]
        table.add_row(
            metric.label,
            metric.format(row["a"]),
            metric.format(row["b"]),
            signed[0],
            f"[{signed[1]}, {signed[2]}]".replace("[", "\\["),
            row["verdict"],
        )
    console = Console()
    for side in ("a", "b"):
        runs = meta[side]["runs"]
        seeds = f", seeds {', '.join(map(str, meta[side]['seeds']))}" if runs > 1 else ""
        console.print(f"{side.upper()}: {meta[side]['name']} ({runs} run(s){seeds})", markup=False)
    console.print(table)
    console.print(f"{meta['error']}; {meta['resamples']} resamples of {meta['images']} images")
    if meta["a"]["runs"] == meta["b"]["runs"] == 1:
        console.print("one run a side: the interval holds for these two networks, not for others")
    shown = {key: meta[key] for key in ("max_dets", "min_score", "fingerprint")}
    console.print(", ".join(f"{key} {value}" for key, value in shown.items()), style="dim")


_ORACLE_COLUMNS = ("ap.all", "ap.small", "ap.75", "loc.px.mean", "loc.recall")


def print_oracles(scored: dict[str, dict[str, Any]]) -> None:
    """Print what each branch's truth would win, the network as it is first."""
    from reports.oracles import holds_back

    table = _table("true branch", *(METRICS[key].label for key in _ORACLE_COLUMNS), title="")
    for branch, metrics in scored.items():
        table.add_row(branch, *(METRICS[key].format(metrics[key]) for key in _ORACLE_COLUMNS))
    console = Console()
    console.print(table)
    console.print(holds_back(scored))


def print_bench(result: dict[str, Any]) -> None:
    """Print a bench: cost and memory, then time by stage; milliseconds on a GPU alone."""
    from reports.timing import timings

    meta, variants = result["meta"], result["variants"]
    console = Console()
    cost = _table("network", "M params", "G MACs", "G FLOPs", "MiB inference", title="cost")
    for name, each in variants.items():
        figures = [
            METRICS[f"cost.{key}"].format(each["cost"][f"cost.{key}"]) for key in _COST_COLUMNS
        ]
        cost.add_row(name, *figures, f"{each['memory']['inference'] / 2**20:.1f}")
    console.print(cost)
    gpu = meta["kind"] == "GPU latency"
    headings = ["median ms", "p10", "p90"] if gpu else []
    times = _table("network", "stage", *headings, "ratio", "95 % interval", title=meta["kind"])
    for name, stages in timings(variants).items():
        for stage, each in stages.items():
            absolute = (
                [f"{value:.3f}" for value in (each.median, each.p10, each.p90)] if gpu else []
            )
            ratio = "–" if each.ratio is None else f"{each.ratio:.3f}"
            interval = "–" if each.low is None else f"{each.low:.3f} to {each.high:.3f}"
            times.add_row(name, stage, *absolute, ratio, interval)
            name = ""
    console.print(times)
    for name, each in variants.items():
        if each["unstable"]:
            console.print(f"{name}: warm-up did not settle {', '.join(each['unstable'])}")
    if not gpu:
        console.print("CPU time is no GPU latency: ratios only; raw samples go to --json")
    shown = {key: meta[key] for key in ("device", "precision", "batch", "rounds", "clock")}
    console.print(", ".join(f"{key} {value}" for key, value in shown.items()), style="dim")
    console.print(f"cost: {meta['cost']}", style="dim")
