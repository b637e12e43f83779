"""Writing a bench's figures into the runs that were timed, where reports look for them."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hrhsco_cli.files import write_json
from hrhsco_cli.runs.evaluation import read_metrics
from hrhsco_cli.runs.folder import RunFolder
from reports.errors import InputError
from reports.statistics.timing import StageTiming, make_latency_metrics, summarize_times

_CONDITIONS = (
    "kind", "clock", "device", "driver", "cuda", "precision", "batch", "channels_last", "compile",
    "cuda_graphs", "rounds", "time",
)  # fmt: skip


def write_latencies(
    names: list[str], result: dict[str, Any], *, as_recorded: bool
) -> dict[str, str]:
    """Add ``latency.*`` to ``metrics.json`` of each name that is a scored run's folder.

    Earlier ``latency.*`` there are dropped: figures of two benches don't belong together.

    Args:
        names: what was measured, as it was named; the first one is the reference.
        result: what ``hrhsco_cli.bench.measure`` gives.
        as_recorded: whether runs were timed as their recipes say, settings and input size included.

    Returns:
        The runs that were left as they are, and why.
    """
    left = {}
    found = summarize_times(result["variants"])
    reference = next(iter(found))
    for name, timing in zip(names, found.values(), strict=True):
        run = RunFolder(Path(name))
        if not os.path.isfile(run.metrics):  # noqa: PTH113 (Path's raises of a name too long)
            continue
        if not as_recorded:
            left[name] = "what was timed is not what its recipe says"
            continue
        conditions = {key: result["meta"][key] for key in _CONDITIONS} | {"reference": reference}
        try:
            _write(run, timing, result["meta"], conditions)
        except InputError as error:
            left[name] = str(error)
    return left


def _write(
    run: RunFolder,
    timing: Mapping[str, StageTiming],
    meta: dict[str, Any],
    conditions: dict[str, Any],
) -> None:
    metrics = {
        key: value
        for key, value in read_metrics(run.metrics).items()
        if not key.startswith("latency.")
    }
    metrics |= make_latency_metrics(timing, meta)
    metrics["meta"]["latency"] = conditions | {
        "intervals": {
            stage: [each.low, each.high] for stage, each in timing.items() if each.low is not None
        }
    }
    write_json(run.metrics, metrics)
