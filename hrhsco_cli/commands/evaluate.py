"""``hrhsco evaluate``: scores a run's checkpoint, or any detector's COCO results."""

from pathlib import Path
from typing import Annotated, Any

import typer

from hrhsco_cli.commands.values import MaxDets, ProtocolName, output, parse_protocol, require_none
from reports.errors import InputError


def evaluate(
    run: Annotated[Path | None, typer.Argument(help="A folder made by hrhsco train.")] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            help="Folder for metrics.json and detections.json.  [default: RUN, if nothing differs]"
        ),
    ] = None,
    predictions: Annotated[Path | None, typer.Option(help="COCO results of any detector.")] = None,
    annotations: Annotated[Path | None, typer.Option(help="COCO annotations for them.")] = None,
    checkpoint: Annotated[Path | None, typer.Option(help="Instead of the run's last one.")] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", help="Change a decoding option: model.test_cfg.topk=500."),
    ] = None,
    protocol: ProtocolName = None,
    max_dets: MaxDets = None,
    min_score: Annotated[
        float | None,
        typer.Option(
            help="Leave lower scores out of the localisation matching.  [default: the recipe's]"
        ),
    ] = None,
    oracle: Annotated[
        str | None,
        typer.Option(help="Score again with these branches true: heatmap,size,center; + joins."),
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:INDEX.")] = "auto",
    json_out: Annotated[Path | None, output("Write the metrics there.", "--json")] = None,
) -> None:
    """Score a run, or COCO results against COCO annotations.

    A run keeps the figures that were made as its recipe says. Those of another decoding, checkpoint
    or protocol go to --out, or are only shown.

    Example: hrhsco evaluate runs/first

    Example: hrhsco evaluate runs/first --oracle heatmap,size,center

    Example: hrhsco evaluate runs/first --protocol yolc --out runs/first-by-yolc

    Example: hrhsco evaluate --predictions det.json --annotations val.json --json metrics.json
    """
    from hrhsco_cli.files import write_json
    from hrhsco_cli.progress import show_progress
    from hrhsco_cli.runs.environment import select_device
    from hrhsco_cli.shown.metrics import print_metrics, print_not_kept
    from hrhsco_cli.shown.oracles import print_oracles

    rules = parse_protocol(protocol, max_dets)
    if run is None:
        of_a_run = {
            "--checkpoint": checkpoint, "--set": settings, "--oracle": oracle, "--out": out,
        }  # fmt: skip
        require_none(of_a_run, "needs a RUN; --predictions are scored as they are")
    select_device(device)

    from hrhsco_cli.runs.evaluation import (
        evaluate_oracles,
        evaluate_predictions,
        evaluate_run,
        place_of,
        require_oracles,
    )
    from hrhsco_cli.runs.folder import RunFolder
    from hrhsco_cli.runs.recipe import parse_settings

    if run is None and predictions is not None and annotations is not None:
        metrics = evaluate_predictions(
            predictions, annotations, protocol=rules, min_score=min_score or 0.0
        )
        print_metrics(metrics)
        if json_out is not None:
            write_json(json_out, metrics)
        return
    if run is None or predictions is not None or annotations is not None:
        raise InputError("name either a RUN, or both --predictions and --annotations")
    folder = RunFolder(run)
    options: dict[str, Any] = {
        "checkpoint": checkpoint,
        "settings": parse_settings(settings or []),
        "protocol": rules,
        "min_score": min_score,
    }
    branches = oracle.split(",") if oracle is not None else []
    if branches:
        require_oracles(folder, branches)
    folder.require()
    options["into"] = place_of(folder, out, **options)
    with show_progress("evaluating", 0) as log:
        metrics = evaluate_run(folder, on_progress=log.advance_to, **options)
    print_metrics(metrics)
    if options["into"] is None:
        print_not_kept(run)
    if json_out is not None:
        write_json(json_out, metrics)
    if branches:
        with show_progress("branch oracles", 0) as log:
            scored = evaluate_oracles(folder, branches, on_progress=log.advance_to, **options)
        print_oracles(scored)
