"""The Pareto front of cost and accuracy, against its definition."""

import numpy as np
import pytest

from reports.plots.cost_tradeoff import find_pareto_front


@pytest.mark.parametrize("higher", [True, False])
def test_pareto_front_against_its_definition(higher):
    rng = np.random.default_rng(1)
    points = [(float(c), float(v)) for c, v in rng.integers(0, 8, size=(30, 2))]
    expected = {
        p
        for p in points
        if not any(
            q != p and q[0] <= p[0] and (q[1] >= p[1] if higher else q[1] <= p[1]) for q in points
        )
    }
    front = find_pareto_front(points, higher=higher)
    assert set(front) == expected
    assert front == sorted(front)
