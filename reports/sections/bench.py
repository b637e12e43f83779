"""A bench as a page of Markdown: conditions, cost by branch, memory, time by stage."""

from collections.abc import Mapping
from typing import Any

from reports.markdown import format_definitions, format_table, format_value
from reports.metrics.definitions import BRANCHES, GPU_LATENCY, METRICS
from reports.statistics.confidence import PERCENT
from reports.statistics.timing import StageTiming, summarize_times


def compose_bench(result: Mapping[str, Any], title: str) -> str:
    """Compose the whole page of what ``hrhsco bench`` measured.

    Args:
        result: what ``hrhsco bench`` measured.
        title: the heading of the page.
    """
    meta, variants = result["meta"], result["variants"]
    parts = [
        f"# {title}",
        format_definitions(
            (key.replace("_", " "), format_value(value)) for key, value in meta.items() if value
        ),
        "## Cost of one image and memory of a batch",
        _compose_cost(variants),
        f"## {meta['kind']}",
        _compose_times(variants, meta["batch"] if meta["kind"] == GPU_LATENCY else None),
        f"Ratios are to the same stage of the first network in the same round: median, {PERCENT} "
        "bootstrap interval. The share is of the first network's end to end.",
    ]
    return "\n\n".join(parts) + "\n"


def _compose_cost(variants: Mapping[str, Any]) -> str:
    headings = ["network", METRICS["cost.params"].label, "MACs (G)", "FLOPs (G)"]
    headings += [f"MACs, {branch} (G)" for branch in BRANCHES]
    kinds = list(next(iter(variants.values()))["memory"])
    headings += [f"{kind} memory (MiB)" for kind in kinds]
    rows = []
    for name, each in variants.items():
        keys = ["params", "macs", "flops", *(f"{branch}.macs" for branch in BRANCHES)]
        cost = each["cost"]
        figures = [METRICS[f"cost.{key}"].format(cost.get(f"cost.{key}")) for key in keys]
        memory = [f"{each['memory'][kind] / 2**20:.1f}" for kind in kinds]
        rows.append([name, *figures, *memory])
    return format_table(headings, rows)


def _compose_times(variants: Mapping[str, Any], gpu_batch: int | None) -> str:
    """Absolute times of ``gpu_batch`` images, and ratios; without it, ratios alone."""
    absolute = ["median (ms)", "p10", "p90", "images/s"] if gpu_batch else []
    rows = [
        [name, stage.replace("_", " "), *_format_figures(timing, gpu_batch)]
        for name, stages in summarize_times(variants).items()
        for stage, timing in stages.items()
    ]
    ratio = ["ratio", f"{PERCENT} interval", "share"]
    return format_table(["network", "stage", *absolute, *ratio], rows)


def _format_figures(timing: StageTiming, gpu_batch: int | None) -> list[str]:
    times = [timing.median, timing.p10, timing.p90] if gpu_batch else []
    times += [1000 * gpu_batch / timing.median] if gpu_batch else []
    ratio = "–" if timing.ratio is None else f"{timing.ratio:.3f}"
    interval = "–" if timing.low is None else f"{timing.low:.3f} to {timing.high:.3f}"
    return [*(f"{each:.3f}" for each in times), ratio, interval, f"{timing.share:.3f}"]
