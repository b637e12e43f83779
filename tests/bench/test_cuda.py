"""hrhsco bench on a GPU: what it is called, and that fast forms of a branch say the same."""

import json

import pytest
import torch

from tests.helpers.calling import hrhsco_cold
from tests.helpers.gpu import DEVICE

pytestmark = [pytest.mark.cuda, pytest.mark.slow]


def network_and_options(depth=2, **changes):
    from hrhsco_cli.bench.timed_networks import BenchOptions, build_timed_network
    from hrhsco_cli.runs.registration import register

    register()
    options = {
        "size": (128, 96), "batch": 1, "precision": "fp32", "channels_last": False,
        "compile": False, "cuda_graphs": False, "rounds": 3, "training": True,
    }  # fmt: skip
    options = BenchOptions(**options | changes)
    name = f"quickstart_hrh_sco@model.bbox_head.heatmap_upsample_num={depth}"
    return build_timed_network(name, [], options, torch.device(DEVICE)), options


def outputs(stages):
    """What each stage gives, but for times."""
    return {
        name: [each.float().clone() for each in leaves(call()) if torch.is_tensor(each)]
        for name, call in stages.calls.items()
        if name not in ("end_to_end", "decode")
    }


def leaves(value):
    from torch.utils._pytree import tree_leaves

    return tree_leaves(value)


@pytest.mark.parametrize("precision", ["fp32", "bf16", "fp16"])
@pytest.mark.parametrize("channels_last", [False, True])
def test_replayed_branches_give_the_same(precision, channels_last):
    if DEVICE != "cuda":
        pytest.skip("CUDA graphs")
    from hrhsco_cli.bench import stages as parts

    network, options = network_and_options(
        precision=precision, channels_last=channels_last, cuda_graphs=True
    )
    device = torch.device(DEVICE)
    with parts.use_precision(options, device):
        found = parts.find_stages(network, options)
        before = outputs(found)
        parts.speed_up(network, found, options)
        for _ in range(2):
            after = outputs(found)
            assert after.keys() == before.keys() >= {"backbone", "neck", "heatmap", "box", "offset"}
            for name, expected in before.items():
                for ours, theirs in zip(after[name], expected, strict=True):
                    torch.testing.assert_close(ours, theirs, rtol=1e-3, atol=1e-3)
        found.calls["end_to_end"]()
        step = parts.make_training_step(network, options)
        step()  # with gradients the branches run as before


def test_latency_in_milliseconds(tmp_path):
    out = tmp_path / "bench.json"
    done = hrhsco_cold(
        "bench", "quickstart_baseline", "quickstart_hrh_sco", "--device", DEVICE, "--size",
        "128x96", "--rounds", 3, "--precision", "bf16", "--channels-last", "--training",
        *(["--cuda-graphs"] if DEVICE == "cuda" else []), "--json", out,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    result = json.loads(out.read_text())
    on_gpu = DEVICE == "cuda"
    assert result["meta"]["kind"] == ("GPU latency" if on_gpu else "CPU time")
    assert ("median ms" in done.stdout) == on_gpu
    assert bool(result["meta"]["driver"]) == on_gpu
    for each in result["variants"].values():
        assert each["memory"]["training"] > each["memory"]["inference"] > 0
        assert all(time > 0 for times in each["samples_ms"].values() for time in times)


def test_fast_forms_against_plain_ones(tmp_path):
    out = tmp_path / "forms.json"
    done = hrhsco_cold(
        "bench-forms", "--device", DEVICE, "--size", "256x160", "--channels", 64, "--depths", "2",
        "--objects", "50", "--rounds", 3, "--json", out,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    cases = json.loads(out.read_text())["cases"]
    apart = {"offsets": 1e-3, "offsets_training": 1e-2, "targets": 1e-5, "decoding": 0}
    for case in cases:
        assert case["difference"] <= apart.get(case["step"], 1e-3), case["step"]
