"""A real Ray cluster of several nodes on this machine, one of them killed in the middle."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.grid import grids

cluster_utils = pytest.importorskip("ray.cluster_utils")
pytestmark = pytest.mark.slow
RAY = [str(Path(sys.executable).with_name("ray"))]


@pytest.fixture(scope="module")
def head():
    """A cluster that takes no trials.

    Ray gives its workers a low priority, with which they would wait for all else on a busy machine.
    """
    of_head = {"num_cpus": 0, "include_dashboard": False, "_system_config": {"worker_niceness": 0}}
    made = cluster_utils.Cluster(initialize_head=True, head_node_args=of_head)
    yield made
    made.shutdown()


@pytest.fixture
def cluster(head):
    """The same; tests add nodes that take trials, and those of the test before are forgotten."""
    grids.wait_for("former nodes are known to be gone", lambda: not joined(head))
    return head


def joined(cluster):
    """Whether a node that takes trials is there."""
    nodes = cluster.global_state.node_table()
    return any(node["Alive"] and node["Resources"].get("CPU") for node in nodes)


def parent(pid):
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def test_a_node_is_lost(cluster, undisturbed_results, scenes, tmp_path):
    out = tmp_path / "out"
    nodes = [cluster.add_node(num_cpus=1) for _ in range(2)]
    process = grids.start(
        grids.written(tmp_path), "--data", scenes, "--out", out, *grids.EPOCHS,
        "--executor", "ray", "--address", cluster.address,
    )  # fmt: skip
    trial = grids.wait_for("a trial is on its way", lambda: grids.begun(out), process)
    raylet = parent(grids.note(trial)["pid"])
    (node,) = (n for n in nodes if n.all_processes["raylet"][0].process.pid == raylet)
    cluster.remove_node(node, allow_graceful=False)
    told = grids.end(process)
    (other,) = (each for each in nodes if each is not node)
    cluster.remove_node(other)
    assert grids.note(trial)["attempt"] == 2
    assert "2 finished" in told
    assert grids.read_all_results(out) == undisturbed_results


def training(trial, attempt):
    """What a trial notes while an attempt trains."""
    note = grids.note(trial)
    return note if (note.get("state"), note.get("attempt")) == ("training", attempt) else None


@pytest.mark.skipif(not grids.mounts_allowed(), reason="a folder can't be hidden from a node here")
def test_results_are_sent_back_from_a_node_that_cannot_see_the_folder(cluster, scenes, tmp_path):
    """Long enough a training that it can't be over between two looks for what to send."""
    out, shared_disk = tmp_path / "out", tmp_path / "shared_disk"
    out.mkdir()
    words = [grids.written(tmp_path), "--data", scenes, "--epochs", "30", "--only", "hrh"]
    grids.run(*words, "--out", shared_disk, jobs=1)

    def blind_node():
        """A node for which the grid's folder is an empty one of its own."""
        begin = [*RAY, "start", "--address", cluster.address, "--num-cpus", "1", "--block"]
        hidden = f'mount -t tmpfs tmpfs "{out}" && exec "$@"'
        return subprocess.Popen(
            ["unshare", "-Urm", "sh", "-c", hidden, "sh", *begin],
            start_new_session=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    node = blind_node()
    try:
        grids.wait_for("the node has joined", lambda: joined(cluster))
        process = grids.start(
            *words, "--out", out, "--executor", "ray", "--address", cluster.address,
            "--retries", "2", jobs=1,
        )  # fmt: skip
        trial = grids.wait_for("a checkpoint came back", lambda: grids.begun(out), process)
        os.killpg(node.pid, signal.SIGKILL)
        node.wait()
        node = blind_node()
        again = grids.wait_for("another node is at it", lambda: training(trial, attempt=2), process)
        told = grids.end(process)
    finally:
        os.killpg(node.pid, signal.SIGKILL)
    assert "1 finished, 1 waiting" in told
    assert again["first_step"] > 0
    assert grids.read_results(trial) == grids.read_results(shared_disk / trial.name)
    assert not list((out / "locks").glob("seen-*"))


def test_no_cluster_and_no_room_are_told_in_one_line(cluster, scenes, tmp_path):
    words = [grids.written(tmp_path), "--data", scenes, "--out", tmp_path / "out"]
    told = grids.run(*words, "--executor", "ray", "--address", "127.0.0.1:1", code=2)
    assert "no Ray cluster at 127.0.0.1:1" in told
    told = grids.run(*words, "--executor", "ray", "--address", cluster.address, code=2)
    assert "a trial needs 1 CPU on one node, and no node of the cluster has it" in told
    told = grids.run(*words, "--address", "auto", code=2)
    assert "--address needs --executor ray" in told
    assert not (tmp_path / "out").exists()
