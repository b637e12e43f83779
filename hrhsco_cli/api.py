"""hrhsco from Python: what the commands measure, as data frames.

Each function returns the figures of the command that its docstring names, to the last digit, and
writes nothing. Wrong input raises ``reports.errors.InputError``, whose message says how to mend it.
"""

from collections.abc import Sequence
from os import PathLike, fspath
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

    from reports.metrics.protocols import Protocol

__all__ = ["compare", "load_grid", "score"]


def score(
    detections: str | PathLike[str],
    annotations: str | PathLike[str],
    *,
    protocol: str | None = None,
    max_dets: Sequence[int] | None = None,
    min_score: float = 0.0,
) -> "pd.DataFrame":
    """Score any detector's COCO results, as ``hrhsco evaluate --predictions`` does.

    Args:
        detections: a file of COCO results.
        annotations: the COCO annotations of the same images.
        protocol: whose rules AP follows: coco, dense, visdrone, aitod, tinyperson, uavdt or yolc;
            None takes dense.
        max_dets: rising numbers of detections an image, instead of dense's 1, 100 and 500.
        min_score: detections below are left out of the matching of centers, not of AP.

    Returns:
        A row a metric, by its key in ``metrics.json`` (``ap.50``, ``loc.px.mean``); columns
        ``heading``, ``value`` (AP and recall are fractions of 1; NaN where there is nothing to
        measure) and ``meaning``, a sentence. ``attrs["meta"]`` has the conditions.

    Raises:
        InputError: one of the files is wrong, or there is no such protocol.
    """
    import pandas as pd

    from hrhsco_cli.runs.evaluation import evaluate_predictions
    from reports.metrics.definitions import METRICS, define_class_metrics

    figures = evaluate_predictions(
        Path(detections),
        Path(annotations),
        protocol=_find_protocol(protocol, max_dets),
        min_score=min_score,
    )
    meta = figures.pop("meta")
    known = METRICS | define_class_metrics(meta)
    rows = [
        {
            "metric": key,
            "heading": known[key].heading,
            "value": value,
            "meaning": known[key].meaning,
        }
        for key, value in figures.items()
    ]
    frame = pd.DataFrame(rows).set_index("metric").astype({"value": float})
    frame.attrs["meta"] = meta
    return frame


def compare(
    a: str | PathLike[str],
    b: str | PathLike[str],
    *,
    annotations: str | PathLike[str] | None = None,
    protocol: str | None = None,
    max_dets: Sequence[int] | None = None,
    min_score: float | None = None,
    resamples: int = 1000,
    seed: int = 0,
) -> "pd.DataFrame":
    """Say whether B is better than A, as ``hrhsco compare`` does: a paired bootstrap over images.

    Args:
        a: the reference: a run, a folder or a pattern of the runs of one variant, or COCO results.
        b: what is claimed to be better, named likewise.
        annotations: COCO annotations; needed for COCO results.
        protocol: as in ``score``; None takes the runs' own.
        max_dets: as in ``score``.
        min_score: as in ``score``; None takes the runs' own.
        resamples: number of resamples, of images and runs.
        seed: of the resampling.

    Returns:
        A row a metric, by its key; columns ``a``, ``b``, ``difference`` (B minus A), ``low`` and
        ``high`` (its 95 % interval) and ``verdict``. ``attrs["meta"]`` has the conditions.

    Raises:
        InputError: a side is missing, holds several variants, or the two are not comparable.
    """
    import pandas as pd

    from hrhsco_cli.runs.comparing import compare_sides

    done = compare_sides(
        fspath(a),
        fspath(b),
        None if annotations is None else Path(annotations),
        resamples=resamples,
        seed=seed,
        protocol=_find_protocol(protocol, max_dets),
        min_score=min_score,
    )
    frame = pd.DataFrame.from_dict(done["metrics"], orient="index").rename_axis("metric")
    numbers = frame.columns.drop("verdict")
    frame[numbers] = frame[numbers].astype(float)
    frame.attrs["meta"] = done["meta"]
    return frame


def load_grid(
    folder: str | PathLike[str],
    name: str | None = None,
    data: str | PathLike[str] | None = None,
) -> "pd.DataFrame":
    """Load the finished trials of a grid, as ``hrhsco report`` writes them to ``results.csv``.

    Args:
        folder: the grid's folder.
        name: which grid, where the folder has several; None takes the first.
        data: the folder that its data set is in now (``--data DIR`` of the command), where the
            grid was copied from elsewhere.

    Returns:
        A row a trial: ``name``, ``variant``, ``seed``, the grid's axes, and a column a metric.

    Raises:
        InputError: there is no such grid, nothing of it is finished, or its files don't fit
            together.
    """
    from hrhsco_cli.grid.folder import find_grid
    from hrhsco_cli.grid.reporting import load_runs
    from reports.metrics.definitions import METRICS
    from reports.results import tabulate_results

    grid = find_grid(Path(folder), name)
    loaded = load_runs(grid.path, grid.read(), data=None if data is None else Path(data))
    frame = tabulate_results([each.trial for each in loaded])
    return frame.astype(dict.fromkeys(METRICS, float))  # NaN where nothing was measured


def _find_protocol(name: str | None, max_dets: Sequence[int] | None) -> "Protocol | None":
    """Find the protocol that is asked for; None where nothing is."""
    from reports.metrics.protocols import choose_protocol

    if name is None and max_dets is None:
        return None
    return choose_protocol(name, None if max_dets is None else tuple(max_dets))
