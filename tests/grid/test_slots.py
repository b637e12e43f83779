"""Sharing GPUs and cores out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hrhsco_cli.grid.executors.slots import assign_slots
from reports.errors import InputError


@given(
    jobs=st.none() | st.integers(1, 12),
    gpus=st.integers(0, 8),
    cores=st.integers(1, 64),
    processes=st.integers(1, 4),
    threads=st.integers(1, 4),
    tasks=st.integers(1, 50),
)
def test_nothing_is_given_out_twice(jobs, gpus, cores, processes, threads, tasks):
    names = [f"GPU-{index}" for index in range(gpus)]
    try:
        slots = assign_slots(
            jobs, gpus=names, cores=cores, processes=processes, threads=threads, tasks=tasks
        )
    except InputError:
        assert (jobs or 1) * processes * (1 if gpus else threads) > (gpus or cores)
        return
    given_out = [gpu for slot in slots for gpu in slot.gpus]
    assert len(set(given_out)) == len(given_out)
    assert set(given_out) <= set(names)
    assert all(len(slot.gpus) == (processes if gpus else 0) for slot in slots)
    used = sum(slot.threads * (1 if gpus else processes) for slot in slots)
    assert used <= max(cores, len(slots))
    room = gpus // processes if gpus else cores // (processes * threads)
    assert len(slots) == (jobs or min(tasks, room))


def test_too_many_jobs_are_refused_with_the_number_that_fits():
    with pytest.raises(
        InputError, match=r"4 trials at a time: 4 GPUs needed, 3 there; lower --jobs to 3"
    ):
        assign_slots(4, gpus=["0", "1", "2"], cores=64, processes=1, threads=1, tasks=9)
    with pytest.raises(InputError, match=r"lower 'processes' or 'threads'"):
        assign_slots(None, gpus=["0"], cores=64, processes=2, threads=1, tasks=9)
