"""The sampler of fixed length: how much, how evenly, and the same again from the same epoch."""

from collections import Counter

import pytest

from hrhsco_cli.runs.mmdet_parts import FixedLengthSampler


@pytest.mark.parametrize(("size", "images"), [(7, 20), (20, 20), (50, 20)])
def test_an_epoch_has_its_length_whatever_the_data(size, images):
    sampler = FixedLengthSampler(range(size), images=images, seed=3)
    first = list(sampler)
    assert len(first) == len(sampler) == images
    counts = Counter(first)
    assert set(counts) <= set(range(size))
    assert max(counts.values()) - min(counts[each] for each in range(size)) <= 1
    sampler.set_epoch(1)
    assert list(sampler) != first
    sampler.set_epoch(0)
    assert list(sampler) == first
