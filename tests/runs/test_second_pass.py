"""The second pass as a recipe's option: what it resolves to, and what it is counted to cost."""

import pytest
import torch

from hrhsco_cli.bench.timed_networks import BenchOptions, build_timed_network
from hrhsco_cli.runs import recipe, second_pass
from reports.errors import InputError
from reports.metrics.cost import count_cost


@pytest.fixture
def config():
    return recipe.load(recipe.find("quickstart_hrh_sco"))


def test_it_is_off_and_leaves_the_network_alone(config):
    before = config.model.to_dict()
    assert second_pass.read_options(config) is None
    second_pass.wrap_network(config)
    assert config.model.to_dict() == before


def test_every_number_has_yolc_s_default(config):
    recipe.override(config, {"cluster_crops.k": 2})
    assert second_pass.read_options(config) == {
        "k": 2, "columns": 16, "rows": 10, "densest": 15, "min_side": 96.0, "growth": 1.2,
        "scale": 1.5, "nms_iou": None, "max_per_img": None,
    }  # fmt: skip


def test_a_run_that_is_older_than_the_option_takes_it(tmp_path, config):
    config.pop("cluster_crops")
    config.dump(tmp_path / "recipe.py")
    assert "cluster_crops" not in (tmp_path / "recipe.py").read_text()
    old = recipe.load(tmp_path / "recipe.py")
    recipe.override(old, {"cluster_crops.k": 4})
    assert second_pass.read_options(old)["k"] == 4


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"cluster_crops.k": -1}, "k is -1; choose 0 or more"),
        ({"cluster_crops.kk": 1}, "did you mean 'k'?"),
        ({"cluster_crops": 2}, "write --set cluster_crops.k=2"),
        ({"cluster_crops": {"k": 1, "sclae": 2}}, "unknown key 'cluster_crops.sclae'"),
    ],
)
def test_what_it_refuses_before_anything_is_trained(config, settings, message):
    with pytest.raises(InputError) as refused:
        recipe.override(config, settings)
    assert message in str(refused.value)


@pytest.mark.parametrize("sparse", [True, False])
def test_multiply_adds_of_crops_are_those_that_the_counter_counts(config, sparse):
    """Two images, one of which had two crops of 128 x 64 px."""
    from mmdet.registry import MODELS

    recipe.override(config, {"model.bbox_head.sparse_offsets": sparse, "model.test_cfg.topk": 20})
    torch.manual_seed(0)
    model = MODELS.build(config.model)
    whole, crop = (count_cost(model, size).metrics for size in ((192, 160), (128, 64)))
    crops = second_pass.CropMeasurements(
        [2, 0], [2 * 128 * 64 / (192 * 160), 0.0], 1.5, (1.4, 1.6), {}
    )
    counted = second_pass.crop_cost(crops, whole, sparse)
    assert counted["cost.crop_passes"] == 1
    assert counted["cost.crop_macs"] == pytest.approx(crop["cost.macs"], rel=1e-3)
    assert counted["cost.crop_flops"] == 2 * counted["cost.crop_macs"]


def test_a_bench_of_random_weights_has_no_clusters():
    options = BenchOptions(None, 1, "fp32", False, False, False, 1, False)
    with pytest.raises(InputError, match=r"bench it with cluster_crops\.k=0"):
        build_timed_network(
            "quickstart_baseline@cluster_crops.k=2", [], options, torch.device("cpu")
        )
