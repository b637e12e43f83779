"""``hrhsco compare``: paired differences of two detectors, with intervals."""

from pathlib import Path
from typing import Annotated

import typer

from hrhsco_cli.commands.values import MaxDets, ProtocolName, output, parse_protocol


def compare(
    a: Annotated[str, typer.Argument(help="The reference: a run, several runs, or COCO results.")],
    b: Annotated[str, typer.Argument(help="What is claimed to be better.")],
    annotations: Annotated[
        Path | None, typer.Option(help="COCO annotations; needed for COCO results.")
    ] = None,
    resamples: Annotated[int, typer.Option(min=100, help="Of images and runs.")] = 1000,
    seed: Annotated[int, typer.Option(min=0, help="Of the resampling.")] = 0,
    protocol: ProtocolName = None,
    max_dets: MaxDets = None,
    min_score: Annotated[
        float | None, typer.Option(help="Leave lower scores out of the matching.")
    ] = None,
    markdown: Annotated[
        Path | None, output("Write the answer and its table there, for a pull request.")
    ] = None,
    json_out: Annotated[Path | None, output("Write the result there.", "--json")] = None,
) -> None:
    """Say whether B is better than A: paired bootstrap over images and runs, 95 % intervals.

    A and B are each a run's folder, a folder that holds the runs of one variant (its seeds), a
    quoted pattern of such folders, or a file of COCO results.

    Example: hrhsco compare runs/first runs/second

    Example: hrhsco compare "runs/grid/yolc-*" "runs/grid/hrh-sco-n-2_sco-*"

    Example: hrhsco compare runs/first runs/second --protocol visdrone

    Example: hrhsco compare mine.json theirs.json --annotations val.json

    Example: hrhsco compare runs/first runs/second --markdown compare.md
    """
    from hrhsco_cli.files import write_json, write_text
    from hrhsco_cli.runs.comparing import compare_sides
    from hrhsco_cli.shown.comparison import print_comparison

    done = compare_sides(
        a,
        b,
        annotations,
        resamples=resamples,
        seed=seed,
        protocol=parse_protocol(protocol, max_dets),
        min_score=min_score,
    )
    print_comparison(done)
    if markdown is not None:
        from reports.sections.pull_request import compose_comparison

        write_text(markdown, compose_comparison(done))
    if json_out is not None:
        write_json(json_out, done)
