"""The page of ``hrhsco bench-scoring``: time and memory of scoring, and where the time goes."""

from collections.abc import Iterator, Mapping, Sequence
from statistics import median
from typing import Any

from reports.markdown import format_table

Run = Mapping[str, Any]


def compose_scoring(result: Mapping[str, Any]) -> str:
    """Compose runs by set, ratios to pycocotools within a round, stages of one evaluation.

    Args:
        result: what ``hrhsco bench-scoring`` measured.
    """
    runs: Sequence[Run] = result["runs"]
    lines = [
        "# Scoring: time and memory", "",
        "Medians over rounds, lowest to highest in brackets; made-up results on the objects of the "
        "annotations. CPU seconds are user and system together, over all threads.", "",
        format_table(
            ["", "images", "detections", "seconds", "CPU seconds", "peak MiB"], _rows(runs)
        ),
    ]  # fmt: skip
    for key, unit in (("seconds", "time"), ("cpu_seconds", "CPU time")):
        lines += ["", f"`evaluate` takes {_spread(_ratios(runs, key), 1)} times less {unit} than "
                      "pycocotools, which computes AP alone, on the same files in the same "
                      "round."]  # fmt: skip
    stages = [(each["stage"], f"{each['seconds']:.2f}", f"{each['cpu_seconds']:.2f}")
              for each in result["stages"]]  # fmt: skip
    lines += ["", "Where the time of `evaluate` goes, on the smallest set, one run:", "",
              format_table(["stage", "seconds", "CPU seconds"], stages)]  # fmt: skip
    return "\n".join(lines) + "\n"


def _rows(runs: Sequence[Run]) -> Iterator[list[str]]:
    for what, images in dict.fromkeys((run["what"], run["images"]) for run in runs):
        mine = [run for run in runs if (run["what"], run["images"]) == (what, images)]
        yield [what, f"{images:,}", f"{mine[0]['detections']:,}"] + [
            _spread([run[key] for run in mine], digits)
            for key, digits in (("seconds", 1), ("cpu_seconds", 1), ("peak_mib", 0))
        ]


def _ratios(runs: Sequence[Run], key: str) -> list[float]:
    """Divide the figure of pycocotools by that of ``evaluate`` on the same set, by round."""
    smallest = min(run["times"] for run in runs)
    of = {(run["round"], run["what"]): run[key] for run in runs if run["times"] == smallest}
    return [of[number, "pycocotools"] / of[number, "evaluate"]
            for number, what in of if what == "pycocotools"]  # fmt: skip


def _spread(values: Sequence[float], digits: int) -> str:
    if len(values) == 1:
        return f"{values[0]:,.{digits}f}"
    low, high = min(values), max(values)
    return f"{median(values):,.{digits}f} ({low:,.{digits}f} to {high:,.{digits}f})"
