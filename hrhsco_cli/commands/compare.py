"""``hrhsco compare``: paired differences of two detectors, with intervals."""

from pathlib import Path
from typing import Annotated, Any

import typer

from hrhsco_cli.commands.options import (
    CategoryOffset,
    ImageIds,
    Json,
    MaxDets,
    ProtocolName,
    output,
)
from hrhsco_cli.commands.values import parse_protocol, parse_reading, refuse_nan
from hrhsco_cli.console import Console, new_table, print_note
from reports.counts import format_count


def compare(
    a: Annotated[
        str, typer.Argument(help="Take this as the reference: a run, several runs, COCO results.")
    ],
    b: Annotated[str, typer.Argument(help="Ask whether this is better, given like A.")],
    annotations: Annotated[
        Path | None,
        typer.Option(
            help="Score against these COCO annotations; COCO results need them.",
            show_default="those that the runs were scored against",
        ),
    ] = None,
    resamples: Annotated[
        int, typer.Option(min=100, help="Draw images and runs anew so many times.")
    ] = 1000,
    seed: Annotated[int, typer.Option(min=0, help="Draw them with this seed.")] = 0,
    protocol: ProtocolName = None,
    max_dets: MaxDets = None,
    min_score: Annotated[
        float | None,
        typer.Option(
            callback=refuse_nan,
            help="Leave detections of lower scores out of the matching.",
            show_default="the runs' own",
        ),
    ] = None,
    category_offset: CategoryOffset = None,
    image_ids: ImageIds = "auto",
    markdown: Annotated[
        Path | None,
        output("Write the answer and its table to this file, as Markdown for a pull request."),
    ] = None,
    json_out: Json = None,
) -> None:
    """Say whether B is better than A: paired bootstrap over images and runs, 95 % intervals.

    A and B are each a run's folder, a folder that holds the runs of one variant (its seeds), a
    quoted pattern of such folders, or a file of COCO results
    (as hrhsco evaluate --predictions takes them).

    Example: hrhsco compare runs/first runs/second

    Example: hrhsco compare "runs/grid/yolc-x4_regression-*" "runs/grid/hrh-sco-n-2_sco-*"

    Example: hrhsco compare runs/first runs/second --protocol visdrone

    Example: hrhsco compare runs/first runs/second --markdown compare.md

    Example: hrhsco compare mine.json theirs.json --annotations val.json
    """
    from hrhsco_cli.files import write_json, write_text
    from hrhsco_cli.progress import show_progress
    from hrhsco_cli.runs.comparing import compare_sides

    with show_progress("comparing", 0) as log:
        done = compare_sides(
            a,
            b,
            annotations,
            resamples=resamples,
            seed=seed,
            protocol=parse_protocol(protocol, max_dets),
            min_score=min_score,
            reading=parse_reading(category_offset, image_ids),
            tell=print_note,
            on_progress=log.advance_to,
        )
    print_comparison(done)
    if markdown is not None:
        from reports.sections.pull_request import compose_comparison

        write_text(markdown, compose_comparison(done))
    if json_out is not None:
        write_json(json_out, done)


def print_comparison(done: dict[str, Any]) -> None:
    """Print a paired comparison and what it holds for.

    Args:
        done: what ``hrhsco compare --json`` writes.
    """
    from reports.metrics.definitions import METRICS
    from reports.statistics.confidence import PERCENT, warn_of_few_images

    meta = done["meta"]
    headings = ("metric", "A", "B", "B - A", f"{PERCENT} interval")
    table = new_table(*headings, title=f"protocol {meta['protocol']}")
    table.add_column("verdict", overflow="fold")
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
        runs, seeds = meta[side]["runs"], meta[side]["seeds"]
        told = f", seeds {', '.join(map(str, seeds))}" if runs > 1 else ""
        counted = format_count(runs, "run")
        console.print_line(f"{side.upper()}: {meta[side]['name']} ({counted}{told})")
    console.print_table(table)
    resamples = format_count(meta["resamples"], "resample")
    console.print_line(f"{meta['error']}; {resamples} of {format_count(meta['images'], 'image')}")
    if (warning := warn_of_few_images(meta["images"])) is not None:
        console.print_line(f"warning: {warning}", style="yellow")
    if meta["a"]["runs"] == meta["b"]["runs"] == 1:
        console.print_line(
            "one run a side: the interval holds for these two networks, not for others"
        )
    console.print_conditions(
        {key: meta[key] for key in ("protocol", "max_dets", "min_score", "fingerprint")}
    )
