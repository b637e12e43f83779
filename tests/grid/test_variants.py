"""The variant of a trial, as a report finds it again in what lies on disk."""

import json

import pytest

from hrhsco_cli.grid.collect import load_trial, load_truth
from hrhsco_cli.grid.spec import read_grid
from hrhsco_cli.runs.folder import RunFolder
from hrhsco_cli.runs.recipe import load_run
from hrhsco_cli.runs.variant import derive_variant

GRID = """
recipe: quickstart_baseline
axes: {use_hrh_sco: [true], center_source: [sco], model.test_cfg.topk: [9], recipe: [my/tiny.py]}
rows: [{recipe: quickstart_centernet, label: "CenterNet, offset head"}]
"""


@pytest.mark.parametrize(
    ("index", "name", "network", "peaks"),
    [
        (0, "tiny, HRH-SCO, sco, topk=9", "tiny, HRH-SCO", "tiny, HRH-SCO, topk=9"),
        (1, *["CenterNet, offset head"] * 3),
    ],
)
def test_what_a_grid_wrote_is_read_back(own_run, tmp_path, index, name, network, peaks):
    (tmp_path / "grid.yaml").write_text(GRID)
    planned = read_grid(tmp_path / "grid.yaml").trials[index]
    run = RunFolder(own_run)
    run.trial.write_text(json.dumps(planned.as_dict()))
    found = load_trial(run, load_truth(run)[1], None)
    assert found.variant.name == planned.variant.name == name
    assert (found.network, found.peaks) == (network, peaks)


def test_a_run_of_no_grid_is_what_its_recipe_says(own_run):
    run = RunFolder(own_run)
    model = load_run(run).model
    found = load_trial(run, load_truth(run)[1], None)
    assert found.variant == derive_variant(model.type, model.bbox_head, model.test_cfg)
    assert found.variant.axes["center_source"] == model.test_cfg.center_source
    assert derive_variant("CenterNet", {"type": "CenterNetHead"}, {}).name == (
        "CenterNet (offset head)"
    )
