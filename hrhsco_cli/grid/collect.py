"""From folders on disk to the trials and images that a report is made of."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from hrhsco_cli.datasets.coco_json import read_detections, read_scored_truth
from hrhsco_cli.files import is_reachable_file, read_json
from hrhsco_cli.grid.figure_origin import require_own_figures
from hrhsco_cli.grid.interim_scores import require_interim_scores
from hrhsco_cli.runs.evaluation import read_metrics
from hrhsco_cli.runs.folder import RunFolder
from hrhsco_cli.runs.val_log import list_scored_epochs, read_scores
from hrhsco_cli.runs.variant import derive_variant
from reports.errors import InputError
from reports.frames import GroundTruth
from reports.metrics.protocols import read_protocol, select_counted
from reports.trials import CURVE_COLUMNS, DetectedImage, Trial
from reports.variant import Variant

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    import pandas as pd

MAX_IMAGES = 3


def find_runs(folder: Path, listing: dict[str, Any] | None) -> list[RunFolder]:
    """The finished runs of a folder: itself, a grid's trials in its order, or the runs inside.

    Args:
        folder: of a run, a grid or runs.
        listing: of the grid; None if it isn't one.

    Raises:
        InputError: there is none.
    """
    if not folder.is_dir():
        raise InputError(f"no folder {folder}; name a run, a grid or a folder of runs")
    if listing is not None:
        runs = [RunFolder(folder / trial["folder"]) for trial in listing["trials"]]
    elif (folder / "recipe.py").is_file():
        runs = [RunFolder(folder)]
    else:
        runs = [RunFolder(each.parent) for each in sorted(folder.glob("*/recipe.py"))]
    finished = [run for run in runs if run.metrics.is_file()]
    if not finished:
        raise InputError(
            f"{folder} holds no finished run (none has a metrics.json); run hrhsco train"
        )
    return finished


def load_truth(run: RunFolder, data: Path | None = None) -> tuple[Path, GroundTruth]:
    """The annotations that a run was scored against: where they are now, and what they say.

    Args:
        run: its folder.
        data: the folder that its data set is in now, or that holds several data sets under the
            names that their folders had; None where it is still in its place.

    Raises:
        InputError: they are gone, or their content changed since.
    """
    meta = read_metrics(run.metrics)["meta"]
    recorded = Path(meta["annotations"])
    if data is not None:
        return _find_truth(run, meta, data)
    if not is_reachable_file(recorded):
        raise InputError(
            f"no annotations at {recorded}, which {run.path} was scored against; name the folder "
            f"that its data set is in now: --data DIR (holds {recorded.name} and images/)"
        )
    truth = read_scored_truth(recorded, read_protocol(meta))
    if truth.fingerprint != meta["fingerprint"]:
        raise InputError(
            f"{recorded} changed since {run.path} was scored; put the old file back or run "
            "hrhsco evaluate again"
        )
    return recorded, truth


def _find_truth(run: RunFolder, meta: dict[str, Any], data: Path) -> tuple[Path, GroundTruth]:
    """Find a run's annotations in another folder, by the fingerprint that was recorded."""
    if not data.is_dir():
        raise InputError(f"--data {data} is no folder; name the one that the data set is in now")
    recorded = Path(meta["annotations"])
    places = (data / recorded.name, data / recorded.parent.name / recorded.name)
    there = [place for place in places if place.is_file()]
    if not there:
        raise InputError(
            f"--data {data} has no {recorded.name}; name the folder that holds it and images/"
        )
    found = {place: read_scored_truth(place, read_protocol(meta)) for place in there}
    for place, truth in found.items():
        if truth.fingerprint == meta["fingerprint"]:
            return place, truth
    raise InputError(
        f"{there[0]} is not what {run.path} was scored against (fingerprint "
        f"{found[there[0]].fingerprint}, not {meta['fingerprint']}); name the same data set"
    )


def load_trial(
    run: RunFolder, truth: GroundTruth, listed: dict[str, Any] | None, validate: int = 0
) -> Trial:
    """One run as a trial of a report.

    Args:
        run: its folder.
        truth: what it was scored against.
        listed: what the grid says of it, since grids that share a trial may call it otherwise;
            None asks its own ``trial.json``, where there is one.
        validate: it was to be scored on the way every so many epochs; 0 takes what there is.

    Raises:
        InputError: one of its files is broken or wasn't made as its recipe says, or it lacks scores
            on the way.
    """
    import pandas as pd

    from reports.metrics.matching import match_centers

    metrics = read_metrics(run.metrics)
    meta: dict[str, Any] = metrics.pop("meta")
    about = listed or {}
    if not about and run.trial.is_file():
        about = read_json(run.trial, "trial description")
    require_own_figures(run, meta, listed)
    k = meta.get("cluster_crops", {}).get("k", 0)
    own = derive_variant(meta.get("detector", ""), meta["head"], meta["decoding"], k)
    name = about.get("name", run.path.resolve().name)
    return Trial(
        name=name,
        variant=_read_variant(about, own),
        seed=meta["seed"],
        metrics=metrics,
        meta=meta,
        matches=match_centers(
            truth,
            select_counted(read_detections(run.detections, truth), read_protocol(meta)),
            max_dets=read_protocol(meta).detection_limit,
            min_score=meta["min_score"],
        ),
        training_log=pd.DataFrame(run.read_train_log()),
        fold=about.get("fold"),
        data=about.get("data", {}),
        truth=truth,
        baseline=bool(own.axes) and not own.axes["use_hrh_sco"],
        oracles=read_json(run.oracle, "branch oracles") if run.oracle.is_file() else {},
        curve=_curve(run, name, about.get("identity"), meta, 0 if k else validate),
    )


def _read_variant(about: dict[str, Any], own: Variant) -> Variant:
    """The variant that a grid says a trial is.

    Args:
        about: what the grid says of the trial; empty for a run of no grid.
        own: what the run consists of, whatever grid it is of.
    """
    if about.get("axes"):
        return Variant(about["axes"])
    # A row of a grid lies on none of its axes.
    return Variant(own.axes, about.get("variant") or own.label)


def _curve(
    run: RunFolder, name: str, identity: str | None, meta: dict[str, Any], validate: int
) -> "pd.DataFrame":
    """What it scored on the way, with the images that its network had seen by then."""
    import pandas as pd

    trainer = run.find_trainer()
    found = read_scores(trainer, identity)
    if validate:
        require_interim_scores(
            trainer, name, found, list_scored_epochs(validate, meta["epochs"]), validate
        )
    steps = {row["epoch"]: row["step"] for row in trainer.read_train_log()}  # the last of each
    rows = []
    for row in found:
        images = steps.get(row["epoch"], float("nan")) * meta["batch_size"]
        rows.append({"epoch": row["epoch"], "images": images} | row)
    return pd.DataFrame(rows) if rows else pd.DataFrame(columns=CURVE_COLUMNS)


def load_images(
    runs: list[RunFolder], trials: list[Trial], truth: GroundTruth
) -> list[DetectedImage]:
    """The most crowded test images with the detections of each variant's first seed.

    Images that are not to be found are left out: a report can do without.
    """
    read_pixels = make_pixel_reader(trials, truth)
    detections: dict[str, Any] = {}
    for run, trial in zip(runs, trials, strict=True):
        if trial.variant.name not in detections:
            detections[trial.variant.name] = read_detections(run.detections, truth)
    crowded = truth.boxes["image_id"].value_counts().index[:MAX_IMAGES]
    images = []
    for image in truth.images[truth.images["image_id"].isin(crowded)].itertuples(index=False):
        pixels = read_pixels(image.image_id)
        if pixels is None:
            continue
        images.append(
            DetectedImage(
                image_id=image.image_id,
                pixels=pixels,
                truth=truth.boxes[truth.boxes["image_id"] == image.image_id],
                detections={
                    variant: found[found["image_id"] == image.image_id]
                    for variant, found in detections.items()
                },
            )
        )
    return images


def make_pixel_reader(
    trials: list[Trial], truth: GroundTruth
) -> "Callable[[Any], np.ndarray | None]":
    """Make a function that reads the pixels of a test image.

    Args:
        trials: scored on the same images.
        truth: what they were scored against.

    Returns:
        From an image's id to its ``(H, W, 3)`` uint8 pixels, red first; to None where its file is
        not to be found.
    """
    import numpy as np

    from hrhsco_cli.datasets.images import read_image

    folder = Path(trials[0].meta["annotations"]).parent / "images"
    names = dict(zip(truth.images["image_id"], truth.images["file_name"], strict=True))

    def read(image_id: Any) -> np.ndarray | None:
        path = folder / names[image_id]
        return np.ascontiguousarray(read_image(path)[..., ::-1]) if path.is_file() else None

    return read
