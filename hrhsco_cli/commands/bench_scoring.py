"""``hrhsco bench-scoring``: how long scoring takes as sets grow, beside pycocotools."""

from pathlib import Path
from typing import Annotated

import typer

from hrhsco_cli.commands.options import Json, Markdown


def bench_scoring(
    annotations: Annotated[
        Path, typer.Argument(help="Score against these COCO annotations (.json or .json.gz).")
    ],
    times: Annotated[
        list[int] | None,
        typer.Option(
            min=1,
            help="Repeat their images so many times. Can be given several times.",
            show_default="1",
        ),
    ] = None,
    rounds: Annotated[int, typer.Option(min=1, help="Run each so many times.")] = 3,
    markdown: Markdown = None,
    json_out: Json = None,
) -> None:
    """Measure evaluate and compare on made-up results, beside pycocotools on the same files.

    Each is run in a process of its own, in turn; compare draws 1,000 resamples.

    Example: hrhsco bench-scoring runs/scenes/val.json --rounds 1

    Example: hrhsco bench-scoring val.json --times 1 --times 4 --times 16 --markdown scoring.md
    """
    from hrhsco_cli.bench.scoring import measure_scoring
    from hrhsco_cli.files import write_json, write_text
    from hrhsco_cli.progress import show_progress
    from reports.sections.scoring import compose_scoring

    counts = sorted(set(times or [1]))
    with show_progress("bench-scoring", rounds * (2 * len(counts) + 2)) as log:
        result = measure_scoring(annotations, counts, rounds, log.advance_to)
    text = compose_scoring(result)
    typer.echo(text)
    if markdown is not None:
        write_text(markdown, text)
    if json_out is not None:
        write_json(json_out, result)
