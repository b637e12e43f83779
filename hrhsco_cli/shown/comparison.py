"""A paired comparison."""

from typing import Any

from rich.box import SIMPLE_HEAD
from rich.table import Table

from hrhsco_cli.console import Console
from reports.metrics.definitions import METRICS
from reports.statistics.confidence import PERCENT


def print_comparison(done: dict[str, Any]) -> None:
    """Print a paired comparison and what it holds for."""
    meta = done["meta"]
    table = Table(
        "metric",
        title=f"protocol {meta['protocol']}",
        title_justify="left",
        box=SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
    )
    for heading in ("A", "B", "B - A", f"{PERCENT} interval"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("verdict", no_wrap=True)
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
            f"[{signed[1]}, {signed[2]}]",
            row["verdict"],
        )
    console = Console()
    for side in ("a", "b"):
        runs = meta[side]["runs"]
        seeds = f", seeds {', '.join(map(str, meta[side]['seeds']))}" if runs > 1 else ""
        console.print(f"{side.upper()}: {meta[side]['name']} ({runs} run(s){seeds})")
    console.print(table)
    console.print(f"{meta['error']}; {meta['resamples']} resamples of {meta['images']} images")
    if meta["a"]["runs"] == meta["b"]["runs"] == 1:
        console.print("one run a side: the interval holds for these two networks, not for others")
    shown = {key: meta[key] for key in ("protocol", "max_dets", "min_score", "fingerprint")}
    console.print(", ".join(f"{key} {value}" for key, value in shown.items()), style="dim")
