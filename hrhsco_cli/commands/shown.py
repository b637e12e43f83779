"""What several commands show: training progress and a table of metrics."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

from hrhsco_cli.progress import progress
from reports.metrics.definitions import METRICS

if TYPE_CHECKING:
    from hrhsco_cli.runs.training import Plan


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


def print_metrics(metrics: dict[str, Any]) -> None:
    """Print the metrics that have a definition, with their conditions."""
    table = Table("metric", "value", "unit", "meaning")
    for key, metric in METRICS.items():
        if key in metrics:
            table.add_row(metric.heading, metric.format(metrics[key]), metric.unit, metric.meaning)
    console = Console()
    console.print(table)
    meta = metrics["meta"]
    shown = {
        key: meta[key] for key in ("max_dets", "min_score", "fingerprint", "device") if key in meta
    }
    console.print(", ".join(f"{key} {value}" for key, value in shown.items()), style="dim")
