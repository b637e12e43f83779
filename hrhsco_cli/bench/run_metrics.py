"""Writing a bench's figures into the runs that were timed, where reports look for them."""

from pathlib import Path
from typing import Any

from hrhsco_cli.files import write_json
from hrhsco_cli.runs.evaluation import read_metrics
from hrhsco_cli.runs.folder import RunFolder
from reports.statistics.timing import make_latency_metrics, summarize_times

_CONDITIONS = (
    "kind", "clock", "device", "driver", "cuda", "precision", "batch", "channels_last", "compile",
    "cuda_graphs", "rounds", "time",
)  # fmt: skip


def write_latencies(names: list[str], result: dict[str, Any]) -> None:
    """Add ``latency.*`` to ``metrics.json`` of each name that is a scored run's folder.

    Earlier ``latency.*`` there are dropped: figures of two benches don't belong together.

    Args:
        names: what was measured, as it was named; the first one is the reference.
        result: what ``hrhsco_cli.bench.measure`` gives.
    """
    found = summarize_times(result["variants"])
    reference = next(iter(found))
    for name, timing in zip(names, found.values(), strict=True):
        run = RunFolder(Path(name))
        if not run.metrics.is_file():
            continue
        metrics = {
            key: value
            for key, value in read_metrics(run.metrics).items()
            if not key.startswith("latency.")
        }
        metrics |= make_latency_metrics(timing, result["meta"])
        metrics["meta"]["latency"] = {key: result["meta"][key] for key in _CONDITIONS}
        metrics["meta"]["latency"]["reference"] = reference
        metrics["meta"]["latency"]["intervals"] = {
            stage: [each.low, each.high] for stage, each in timing.items() if each.low is not None
        }
        write_json(run.metrics, metrics)
