"""The second pass as a grid's axis: its cells share a training, and are called by their k."""

import pytest
import yaml

from hrhsco_cli.commands.ablate.dry_run import print_estimate
from hrhsco_cli.grid.estimate import Estimate, TrialEstimate
from hrhsco_cli.grid.plan import group_by_network, plan_grid
from hrhsco_cli.grid.spec import read_grid
from reports.errors import InputError

AXES = {"use_hrh_sco": [False, True], "center_source": ["regression"], "cluster_crops": [0, 2, 4]}


@pytest.fixture
def planned(scenes, tmp_path):
    def plan(**axes):
        path = tmp_path / "grid.yaml"
        path.write_text(
            yaml.safe_dump({"recipe": "quickstart_baseline", "axes": AXES | axes}, sort_keys=False)
        )
        return plan_grid(read_grid(path), tmp_path / "out", data=lambda _: scenes, epochs=None)

    return plan


def test_cells_that_differ_in_k_alone_share_a_training(planned):
    trials = planned()
    assert [len(network.trials) for network in group_by_network(trials)] == [3, 3]
    assert len({trial.identity.trial for trial in trials}) == 6
    assert [trial.config["cluster_crops"]["k"] for trial in trials] == [0, 2, 4] * 2


def test_names_say_k_where_there_is_one(planned):
    trials = planned()[:2]
    assert [trial.spec.variant.name for trial in trials] == [
        "YOLC x4, regression",
        "YOLC x4, regression, cluster crops k=2",
    ]
    assert trials[1].spec.name == "yolc-x4_regression_cluster-crops-k-2-seed0"


def test_its_other_numbers_are_axes_too(planned):
    trials = planned(cluster_crops=[2], **{"cluster_crops.growth": [1.2, 1.4]})
    assert len(group_by_network(trials)) == 2
    assert len({trial.identity.trial for trial in trials}) == 4


def test_a_k_that_can_not_be_is_refused_with_the_trial(planned):
    with pytest.raises(InputError, match=r"cluster-crops-k-9.5-seed0: cluster_crops.k is 9.5"):
        planned(cluster_crops=[0, 9.5])


def test_a_dry_run_says_that_their_time_is_not_in_it(planned, capsys):
    for k, told in ((0, False), (2, True)):
        rows = [
            TrialEstimate(trial, False, True, 60.0, 0, "") for trial in planned(cluster_crops=[k])
        ]
        print_estimate(Estimate(tuple(rows), 1))
        assert ("times are without second passes" in capsys.readouterr().out) == told
