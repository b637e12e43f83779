"""What is said where no detection is drawn."""

from pathlib import Path

import pytest

from hrhsco_cli.commands.predict import _explain_empty_drawings
from hrhsco_cli.predict.predicting import PredictOptions


@pytest.mark.parametrize(
    ("highest", "options", "told"),
    [
        (0.3, {}, ""),
        (0.2989, {}, "the highest score is 0.299, so nothing reaches --min-score 0.3"),
        (0.2989, {}, "draw some by --min-score 0.29"),
        (0.002, {}, "draw some by --min-score 0"),
        (0.1, {"draw": False}, ""),
        (None, {}, "lower it by --set model.test_cfg.score_thr="),
    ],
)
def test_the_highest_score_and_how_to_lower_the_threshold_are_told(highest, options, told):
    line = _explain_empty_drawings(highest, PredictOptions(out=Path("out"), **options))
    assert told in line
    assert bool(told) == bool(line)
