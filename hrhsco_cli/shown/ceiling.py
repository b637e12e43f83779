"""The quantisation ceiling."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.table import Table

from hrhsco_cli.console import Console
from reports.metrics.definitions import METRICS

_CEILING = ("ap.all", "ap.small", "ap.75", "ap.90", "loc.px.mean")
_LOST = {
    "lost.collided": "in the same cell as another",
    "lost.merged": "in another's peak window",
    "lost.outside": "outside the map",
    "lost.dropped": "beyond topk",
}


def print_ceiling(rows: Sequence[Mapping[str, Any]], about: Mapping[str, Any]) -> None:
    """Print the quantisation ceiling, what was lost on the way, and what follows.

    Args:
        rows: of ``reports.ceiling.ceiling``, for one center noise or several.
        about: of ``reports.ceiling.conditions``.
    """
    from reports.ceiling import conclude_by_source

    console = Console()
    noises = dict.fromkeys(row["center_noise"] for row in rows)
    for noise in noises:
        mine = [row for row in rows if row["center_noise"] == noise]
        if any(noises):
            console.print(_noise_title(noise, about["draws"]), highlight=False, soft_wrap=True)
        console.print(_table(mine, about["protocol"], noisy=any(noises)))
        for depth, counts in _lost(mine).items():
            named = ", ".join(f"{count:g} {name}" for name, count in counts.items() if count)
            console.print(f"lost at n = {depth}: {named or 'none'}")
        for sentence in conclude_by_source(mine):
            console.print(sentence)
    about = dict(about)
    for axis in about.pop("annotation_grid"):
        console.print(
            f"annotated centers, {axis['axis']}: {axis['whole pixel']:.1%} at whole pixels, "
            f"{axis['half pixel']:.1%} at halves, {axis['elsewhere']:.1%} elsewhere"
        )
    about["input_size"] = about["input_size"] or "the images' own"
    console.print(", ".join(f"{key} {value}" for key, value in about.items()), style="dim")


def _noise_title(noise: float, draws: int) -> str:
    if not noise:
        return "center noise 0 px: the network is without error"
    sample = "1 draw" if draws == 1 else f"means of {draws} draws"
    return (
        f"center noise {noise:g} px on each axis ({sample} of every object's error; exact rms: "
        "closed form, of all objects)"
    )


def _table(rows: Sequence[Mapping[str, Any]], protocol: str, *, noisy: bool) -> Table:
    table = Table(
        "n",
        "cell (px)",
        title=f"protocol {protocol}",
        title_justify="left",
        box=SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
    )
    table.add_column("center source", no_wrap=True, min_width=11)
    for key in _CEILING:
        widest = max(map(len, METRICS[key].label.split()))
        table.add_column(METRICS[key].label, justify="right", min_width=widest)
    if noisy:
        table.add_column("exact rms (px)", justify="right")
    table.add_column("objects lost", justify="right")
    lost = _lost(rows)
    for row in rows:
        figures = [METRICS[key].format(row[key]) for key in _CEILING]
        if noisy:
            figures.append(METRICS["loc.px.rms"].format(row["exact.px.rms"]))
        total = f"{sum(lost[row['depth']].values()):g}"
        table.add_row(
            str(row["depth"]), f"{row['stride_px']:g}", row["center_source"], *figures, total
        )
    return table


def _lost(rows: Sequence[Mapping[str, Any]]) -> dict[int, dict[str, float]]:
    """Objects lost, by depth and reason."""
    return {row["depth"]: {name: row[key] for key, name in _LOST.items()} for row in rows}
