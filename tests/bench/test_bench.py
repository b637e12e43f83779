"""hrhsco bench on a CPU: the real command on small recipes."""

import json

import pytest
import torch

from tests.helpers.calling import assert_refused, hrhsco, hrhsco_cold


@pytest.mark.slow
def test_depths_side_by_side(tmp_path):
    out, plot = tmp_path / "bench.json", tmp_path / "bench.png"
    done = hrhsco_cold(  # in a process that has imported nothing yet
        "bench", "quickstart_baseline", "quickstart_hrh_sco@model.bbox_head.heatmap_upsample_num=3",
        "--device", "cpu", "--size", "64x64", "--rounds", 4, "--training", "--json", out,
        "--plot", plot, "--markdown", tmp_path / "bench.md", "--channels-last",
        "--precision", "bf16",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "no GPU latency" in done.stdout
    assert "INFO" not in done.stdout + done.stderr  # mmengine tells of every parameter it draws
    assert " ms" not in done.stdout
    assert plot.stat().st_size > 1000
    page = (tmp_path / "bench.md").read_text()
    assert "## CPU time" in page
    assert "(ms)" not in page
    result = json.loads(out.read_text())
    assert result["meta"]["kind"] == "CPU time"
    names = list(result["variants"])
    assert names == ["quickstart_baseline", "quickstart_hrh_sco, n=3"]
    first, deep = result["variants"].values()
    stages = {"end_to_end", "backbone", "neck", "heatmap", "box", "decode", "training_step"}
    assert set(first["samples_ms"]) == stages
    assert set(deep["samples_ms"]) == stages | {"offset"}
    assert all(len(samples) == 4 for samples in deep["samples_ms"].values())
    assert all(time > 0 for samples in deep["samples_ms"].values() for time in samples)
    assert deep["memory"]["training"] > deep["memory"]["inference"] > first["memory"]["inference"]
    assert deep["cost"]["cost.heatmap.macs"] > first["cost"]["cost.heatmap.macs"]


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_decoding_meets_a_map_with_peaks(precision):
    """A head at its start scores all cells alike, in bf16 to the last digit: a single plateau."""
    from hrhsco_cli.bench import stages
    from hrhsco_cli.bench.timed_networks import BenchOptions, build_timed_network
    from hrhsco_cli.runs.registration import register

    register()
    options = BenchOptions((64, 64), 1, precision, False, False, False, 3, False)
    network = build_timed_network("quickstart_hrh_sco", [], options, torch.device("cpu"))
    with stages.use_precision(options, torch.device("cpu")):
        logits = stages.find_stages(network, options).ran["heatmap"].output.float()
    spread, mean = torch.std_mean(logits, dim=(0, 2, 3))
    torch.testing.assert_close(spread, torch.ones(3), rtol=0, atol=0.05)
    torch.testing.assert_close(mean, torch.full((3,), -2.19), rtol=0, atol=0.05)


@pytest.mark.slow
def test_detectors_of_mmdet_side_by_side():
    from hrhsco_cli.bench import stages
    from hrhsco_cli.bench.timed_networks import BenchOptions, build_timed_network
    from hrhsco_cli.runs.registration import register

    register()
    options = BenchOptions((64, 64), 1, "fp32", False, False, False, 3, True)
    common = {"end_to_end", "backbone", "neck", "head", "decode"}
    for name in ("centernet", "fcos", "rtmdet", "dino"):
        network = build_timed_network(f"quickstart_{name}", [], options, torch.device("cpu"))
        if name == "dino":  # until its weights are drawn, this is memory as it was found
            assert network.model.level_embed.std().item() == pytest.approx(1, abs=0.2)
        calls = stages.find_stages(network, options).calls
        assert set(calls) == common | ({"encoder", "decoder"} if name == "dino" else set())
        for call in (*calls.values(), stages.make_training_step(network, options)):
            call()
        assert all(each.grad is None for each in network.model.parameters())


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (["quickstart_baseline", "--precision", "tf32"], ("tf32", "needs a GPU")),
        (["quickstart_baseline", "--precision", "int8"], ("int8", "bf16")),
        (["quickstart_baseline", "--cuda-graphs"], ("--cuda-graphs needs a GPU",)),
        (["quickstart_baselin"], ("did you mean quickstart_baseline",)),
        (["quickstart_baseline@model.bbox_head.depth=3"], ("unknown key", "depth")),
        (["quickstart_baseline", "--size", "64"], ("not WxH",)),
    ],
)
@pytest.mark.slow
def test_bad_calls(words, parts):
    assert_refused(hrhsco("bench", *words, "--device", "cpu"), *parts)
