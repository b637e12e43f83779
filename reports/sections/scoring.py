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
    headings = ["", "images", "detections", "seconds", "CPU seconds", "peak MiB"]
    parts = [
        "# Scoring: time and memory",
        "Medians over rounds, lowest to highest in brackets; made-up results on the objects of the "
        "annotations. CPU seconds are user and system together, over all threads.",
        format_table(headings, _format_rows(runs)),
    ]
    for key, unit in (("seconds", "time"), ("cpu_seconds", "CPU time")):
        times = _format_spread(_find_ratios(runs, key), 1)
        parts.append(
            f"`evaluate` takes {times} times less {unit} than pycocotools, which computes AP "
            "alone, on the same files in the same round."
        )
    stages = [
        (each["stage"], f"{each['seconds']:.2f}", f"{each['cpu_seconds']:.2f}")
        for each in result["stages"]
    ]
    parts += [
        "Where the time of `evaluate` goes, on the smallest set, one run:",
        format_table(["stage", "seconds", "CPU seconds"], stages),
    ]
    return "\n\n".join(parts) + "\n"


def _format_rows(runs: Sequence[Run]) -> Iterator[list[str]]:
    for what, images in dict.fromkeys((run["what"], run["images"]) for run in runs):
        mine = [run for run in runs if (run["what"], run["images"]) == (what, images)]
        yield [what, f"{images:,}", f"{mine[0]['detections']:,}"] + [
            _format_spread([run[key] for run in mine], digits)
            for key, digits in (("seconds", 1), ("cpu_seconds", 1), ("peak_mib", 0))
        ]


def _find_ratios(runs: Sequence[Run], key: str) -> list[float]:
    """Divide the figure of pycocotools by that of ``evaluate`` on the same set, by round."""
    smallest = min(run["times"] for run in runs)
    of = {(run["round"], run["what"]): run[key] for run in runs if run["times"] == smallest}
    return [
        of[number, "pycocotools"] / of[number, "evaluate"]
        for number, what in of
        if what == "pycocotools"
    ]


def _format_spread(values: Sequence[float], digits: int) -> str:
    if len(values) == 1:
        return f"{values[0]:,.{digits}f}"
    low, high = min(values), max(values)
    return f"{median(values):,.{digits}f} ({low:,.{digits}f} to {high:,.{digits}f})"
