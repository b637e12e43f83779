"""The quantisation ceiling."""

from typing import TYPE_CHECKING, Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from reports.metrics.definitions import METRICS

if TYPE_CHECKING:
    from reports.frames import GroundTruth
    from reports.metrics.protocols import Protocol


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
    protocol: "Protocol",
    size: tuple[int, int] | None,
    heatmap_target: str,
) -> None:
    """Print the quantisation ceiling, what was lost on the way, and what follows."""
    from reports.ceiling import conclusion, conditions

    table = Table(
        "n",
        "cell (px)",
        title=f"protocol {protocol.name}",
        title_justify="left",
        box=SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
    )
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
    about = conditions(truth, protocol, size, heatmap_target)
    for axis in about.pop("annotation_grid"):
        console.print(
            f"annotated centers, {axis['axis']}: {axis['whole pixel']:.1%} at whole pixels, "
            f"{axis['half pixel']:.1%} at halves, {axis['elsewhere']:.1%} elsewhere"
        )
    about["input_size"] = about["input_size"] or "the images' own"
    console.print(", ".join(f"{key} {value}" for key, value in about.items()), style="dim")
