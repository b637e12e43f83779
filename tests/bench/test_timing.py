"""What is said of raw times, the clock's warm-up, and memory against hand-counted tensors."""

import itertools

import numpy as np
import pytest
import torch
from torch import nn

from hrhsco_cli import clock
from reports.metrics.memory import measure_peak_activations
from reports.statistics.timing import make_latency_metrics, summarize_times

CPU = torch.device("cpu")


def measured(factor, rounds=40, drift=3.0):
    """Two networks of a known ratio on a machine that slows down to a third meanwhile."""
    random = np.random.default_rng(0)
    pace = np.linspace(1, drift, rounds)
    first = 10 * pace * random.normal(1, 0.02, rounds)
    second = factor * 10 * pace * random.normal(1, 0.02, rounds)
    return {
        "a": {"samples_ms": {"end_to_end": first.tolist()}},
        "b": {"samples_ms": {"end_to_end": second.tolist(), "offset": second.tolist()}},
    }


def test_drift_cancels_in_the_ratio():
    found = summarize_times(measured(1.5))["b"]["end_to_end"]
    assert found.ratio == pytest.approx(1.5, rel=0.02)
    assert found.low < 1.5 < found.high
    assert found.high - found.low < 0.1
    assert found.p10 < found.median < found.p90
    same = summarize_times(measured(1.0))["b"]["end_to_end"]
    assert same.low < 1 < same.high


def test_a_stage_that_the_reference_lacks_has_no_ratio():
    found = summarize_times(measured(2.0))["b"]["offset"]
    assert found.ratio is None
    assert found.share == pytest.approx(2, rel=0.02)


def test_milliseconds_are_kept_from_a_cpu():
    found = summarize_times(measured(2.0))["b"]
    assert set(make_latency_metrics(found, {"kind": "CPU time"})) == {"latency.end_to_end.ratio"}
    gpu = make_latency_metrics(found, {"kind": "GPU latency"})
    assert gpu["latency.end_to_end.ms"] == found["end_to_end"].median


@pytest.mark.parametrize(
    ("times", "stable"), [([9, 5, 3, 2, 2, 2] + [2] * 30, True), (list(range(1, 60, 1)), False)]
)
def test_warm_up_ends_when_times_settle(monkeypatch, times, stable):
    clockwork = iter(times)
    taken = itertools.count()
    monkeypatch.setattr(clock, "time_ms", lambda *_: (next(taken), next(clockwork))[1])
    assert clock.warm_up(lambda: None, CPU) == stable
    assert next(taken) < (15 if stable else 31)


def test_the_clock_counts_in_milliseconds():
    import time

    assert 20 <= clock.time_ms(lambda: time.sleep(0.02), CPU) < 200


class Chain(nn.Sequential):
    """Two convolutions with a rectifier between; the maps are 64 x 64."""

    def __init__(self):
        super().__init__(nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 1, 3, padding=1))


def test_memory_of_a_chain_counted_by_hand():
    model, image, cell = Chain(), torch.zeros(1, 1, 64, 64), 64 * 64 * 4
    with torch.no_grad():
        inference = measure_peak_activations(lambda: model(image), model, CPU)
    # Both 8-channel maps, before and after the rectifier, live at once.
    assert inference == pytest.approx(16 * cell, rel=0.1)
    training = measure_peak_activations(lambda: model(image).sum().backward(), model, CPU)
    # Backward adds the gradient of one 8-channel map while both maps are still held.
    assert training == pytest.approx(24 * cell, rel=0.15)
