"""``hrhsco evaluate``: scores a run's checkpoint, or any detector's COCO results."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hrhsco_cli.commands.options import (
    CategoryOffset,
    Checkpoint,
    DecodingSettings,
    Device,
    ImageIds,
    Json,
    MaxDets,
    ProtocolName,
    Verbose,
)
from hrhsco_cli.commands.values import (
    parse_branches,
    parse_protocol,
    parse_reading,
    refuse_given,
    refuse_nan,
)
from hrhsco_cli.console import Console, new_table, print_note
from hrhsco_cli.progress import show_progress
from reports.errors import InputError

if TYPE_CHECKING:
    from hrhsco_cli.datasets.foreign_results import ResultReading
    from reports.metrics.protocols import Protocol

_ORACLE_COLUMNS = ("ap.all", "ap.small", "ap.75", "loc.px.mean", "loc.recall")


def evaluate(
    context: typer.Context,
    run: Annotated[
        Path | None, typer.Argument(help="Score this run: a folder made by hrhsco train.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            help="Write metrics.json and detections.json into this folder.",
            show_default="RUN, if nothing differs from its recipe",
        ),
    ] = None,
    predictions: Annotated[
        Path | None, typer.Option(help="Score these results of any detector.")
    ] = None,
    annotations: Annotated[
        Path | None, typer.Option(help="Score --predictions against these COCO annotations.")
    ] = None,
    checkpoint: Checkpoint = None,
    settings: DecodingSettings = None,
    protocol: ProtocolName = None,
    max_dets: MaxDets = None,
    min_score: Annotated[
        float | None,
        typer.Option(
            callback=refuse_nan,
            help="Leave detections of lower scores out of the localization matching.",
            show_default="the recipe's",
        ),
    ] = None,
    branch_oracle: Annotated[
        str | None,
        typer.Option(
            help="Score again with these branches true: heatmap, size or center, separated by "
            "commas; heatmap+size makes both true at once."
        ),
    ] = None,
    old_branch_oracle: Annotated[str | None, typer.Option("--oracle", hidden=True)] = None,
    category_offset: CategoryOffset = None,
    image_ids: ImageIds = "auto",
    device: Device = "auto",
    verbose: Verbose = False,
    json_out: Json = None,
) -> None:
    """Score a run, or COCO results against COCO annotations.

    A run keeps the figures that were made as its recipe says. Those of another decoding, checkpoint
    or protocol go to --out, or are only shown.

    Results may be those of Ultralytics, SAHI, mmdet, detectron2 or Roboflow (.json or .json.gz):
    images are matched by file_name, id or the stem of their file, classes by name or id.

    Example: hrhsco evaluate runs/first

    Example: hrhsco evaluate runs/first --branch-oracle heatmap,size,center

    Example: hrhsco evaluate runs/first --protocol yolc --out runs/first-by-yolc

    Example: hrhsco evaluate --predictions det.json --annotations val.json --json metrics.json

    Example: hrhsco evaluate --predictions yolo.json --annotations val.json --category-offset 1
    """
    from hrhsco_cli.runs.environment import select_device
    from hrhsco_cli.runs.recipe import parse_settings

    rules = parse_protocol(protocol, max_dets)
    branch_oracle = old_branch_oracle if branch_oracle is None else branch_oracle
    _refuse_idle(context, of_run=run is not None)
    select_device(device)
    if run is None and predictions is not None and annotations is not None:
        reading = parse_reading(category_offset, image_ids)
        _score_results(predictions, annotations, rules, min_score, reading, json_out)
        return
    if run is None or predictions is not None or annotations is not None:
        raise InputError("name either a RUN, or both --predictions and --annotations")
    _refuse_grid(run)
    options: dict[str, Any] = {
        "checkpoint": checkpoint,
        "settings": parse_settings(settings or []),
        "protocol": rules,
        "min_score": min_score,
    }
    branches = parse_branches(branch_oracle) if branch_oracle is not None else []
    _score_run(run, out, branches, options, json_out, verbose=verbose)


def _refuse_idle(context: typer.Context, *, of_run: bool) -> None:
    """Refuse options that have no effect on what is scored: a run, or else results."""
    if of_run:
        of_results = {"category_offset": "--category-offset", "image_ids": "--image-ids"}
        why = "needs --predictions; a RUN's ids are the annotations' own"
        refuse_given(context, of_results, why)
        return
    of_a_run = {
        "checkpoint": "--checkpoint",
        "settings": "--set",
        "branch_oracle": "--branch-oracle",
        "old_branch_oracle": "--oracle",
        "out": "--out",
        "device": "--device",
        "verbose": "--verbose",
    }
    refuse_given(context, of_a_run, "needs a RUN; --predictions are scored as they are")


def _score_results(
    predictions: Path,
    annotations: Path,
    rules: "Protocol | None",
    min_score: float | None,
    reading: "ResultReading",
    json_out: Path | None,
) -> None:
    """Score any detector's results, and print the figures."""
    from hrhsco_cli.commands.metric_tables import print_metrics
    from hrhsco_cli.files import write_json
    from hrhsco_cli.runs.evaluation import evaluate_predictions

    metrics = evaluate_predictions(
        predictions,
        annotations,
        protocol=rules,
        min_score=min_score or 0.0,
        reading=reading,
        tell=print_note,
    )
    print_metrics(metrics)
    if json_out is not None:
        write_json(json_out, metrics)


def _score_run(
    run: Path,
    out: Path | None,
    branches: list[str],
    options: dict[str, Any],
    json_out: Path | None,
    *,
    verbose: bool,
) -> None:
    """Score a run, and print the figures; then score it again with branches true."""
    from hrhsco_cli.commands.metric_tables import print_metrics
    from hrhsco_cli.files import write_json
    from hrhsco_cli.runs.evaluation import (
        choose_output,
        evaluate_oracles,
        evaluate_run,
        require_oracles,
    )
    from hrhsco_cli.runs.folder import RunFolder

    folder = RunFolder(run)
    if branches:
        require_oracles(folder, branches)
    folder.require_recipe()
    options["into"] = choose_output(folder, out, **options)
    with show_progress("evaluating", 0) as log:
        metrics = evaluate_run(folder, on_progress=log.advance_to, **options)
    print_metrics(metrics, verbose=verbose)
    if options["into"] is None:
        Console(stderr=True).print_line(
            f"{run} was left as it is, and keeps none of these figures; keep them with --out DIR"
        )
    figures: dict[str, Any] = metrics
    try:
        if branches:
            with show_progress("branch oracles", 0) as log:
                scored = evaluate_oracles(folder, branches, on_progress=log.advance_to, **options)
            _print_oracles(scored)
            figures = metrics | {"meta": metrics["meta"] | {"branch_oracles": _drop_meta(scored)}}
    finally:  # also where the oracles were interrupted
        if json_out is not None:
            write_json(json_out, figures)


def _drop_meta(scored: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Drop the conditions from the figures of each branch: they are those of the network."""
    return {
        branch: {key: value for key, value in each.items() if key != "meta"}
        for branch, each in scored.items()
    }


def _refuse_grid(folder: Path) -> None:
    """Say how to score the trials of a grid, where the folder of a grid is named as a run."""
    from hrhsco_cli.grid.folder import find_grids

    if find_grids(folder):
        raise InputError(
            f"{folder} is a grid, and each of its folders is a run that can be scored: hrhsco "
            f"ablate status {folder} lists them, hrhsco report {folder} shows their figures"
        )


def _print_oracles(scored: dict[str, dict[str, Any]]) -> None:
    """Print what each branch's truth would win, the network as it is first."""
    from reports.metrics.definitions import METRICS
    from reports.sections.error_sources import name_limiting_branch

    title = f"protocol {scored['none']['meta']['protocol']}"
    table = new_table("true branch", *(METRICS[key].label for key in _ORACLE_COLUMNS), title=title)
    for branch, metrics in scored.items():
        table.add_row(branch, *(METRICS[key].format(metrics[key]) for key in _ORACLE_COLUMNS))
    console = Console()
    console.print_table(table)
    console.print_line(name_limiting_branch(scored))
