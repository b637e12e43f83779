"""``hrhsco evaluate``: scores a run's checkpoint, or any detector's COCO results."""

from pathlib import Path
from typing import Annotated, Any

import typer

from hrhsco_cli.commands.values import ProtocolName, parse_protocol
from reports.errors import InputError


def evaluate(
    run: Annotated[Path | None, typer.Argument(help="A folder made by hrhsco train.")] = None,
    predictions: Annotated[Path | None, typer.Option(help="COCO results of any detector.")] = None,
    annotations: Annotated[Path | None, typer.Option(help="COCO annotations for them.")] = None,
    checkpoint: Annotated[Path | None, typer.Option(help="Instead of the run's last one.")] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", help="Change a decoding option: model.test_cfg.topk=500."),
    ] = None,
    protocol: ProtocolName = None,
    max_dets: Annotated[
        str | None,
        typer.Option(help="Instead of dense's 1,100,500 an image and class; AP uses the last."),
    ] = None,
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
    json_out: Annotated[
        Path | None, typer.Option("--json", help="Write the metrics there.")
    ] = None,
) -> None:
    """Score a run, or COCO results against COCO annotations.

    Example: hrhsco evaluate runs/first

    Example: hrhsco evaluate runs/first --oracle heatmap,size,center

    Example: hrhsco evaluate runs/first --protocol yolc

    Example: hrhsco evaluate --predictions det.json --annotations val.json --json metrics.json
    """
    from hrhsco_cli.files import write_json
    from hrhsco_cli.progress import progress
    from hrhsco_cli.runs.environment import select_device
    from hrhsco_cli.shown.metrics import print_metrics
    from hrhsco_cli.shown.oracles import print_oracles

    select_device(device)
    rules = parse_protocol(protocol, max_dets)

    from hrhsco_cli.runs.evaluation import (
        evaluate_oracles,
        evaluate_predictions,
        evaluate_run,
        require_oracles,
    )
    from hrhsco_cli.runs.folder import RunFolder
    from hrhsco_cli.runs.recipe import parse_settings

    if oracle is not None and run is None:
        raise InputError("--oracle runs the network again; name a RUN, not --predictions")
    if oracle is not None and run is not None:
        require_oracles(RunFolder(run), oracle.split(","))
    if run is None and predictions is not None and annotations is not None:
        metrics = evaluate_predictions(
            predictions, annotations, protocol=rules, min_score=min_score or 0.0
        )
    elif run is not None and predictions is None and annotations is None:
        options: dict[str, Any] = {
            "checkpoint": checkpoint,
            "settings": parse_settings(settings or []),
            "protocol": rules,
            "min_score": min_score,
        }
        with progress("evaluating", 0) as log:
            metrics = evaluate_run(RunFolder(run), on_batch=log.advance_to, **options)
    else:
        raise InputError("name either a RUN, or both --predictions and --annotations")
    print_metrics(metrics)
    if json_out is not None:
        write_json(json_out, metrics)
    if oracle is not None and run is not None:
        with progress("branch oracles", 0) as log:
            scored = evaluate_oracles(
                RunFolder(run), oracle.split(","), on_batch=log.advance_to, **options
            )
        print_oracles(scored)
