"""A folder that is sent to another machine as it changes."""

import queue
import time
from pathlib import Path

from hrhsco_cli.grid.executors import mirror
from hrhsco_cli.grid.executors.mirror import Inbox, mirror_folder, read_files


class Letters(queue.Queue):
    """The part of Ray's queue that the inbox uses."""

    def get_nowait_batch(self, number):
        return [self.get_nowait() for _ in range(number)]


def tree(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_the_other_side_ends_equal(tmp_path):
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    (ours / "trial").mkdir(parents=True)
    (ours / "trial" / "epoch_1.pth").write_bytes(b"one")
    (ours / "trial" / "log.txt").write_text("begun\n")
    letters = Letters()
    with mirror_folder(theirs, read_files(ours, ["trial", "missing"]), ours, letters):
        assert tree(theirs) == tree(ours)
        (theirs / "trial" / "epoch_2.pth").write_bytes(b"two")
        (theirs / "trial" / "epoch_1.pth").unlink()
        with (theirs / "trial" / "log.txt").open("a") as log:
            log.write("done\n")
        (theirs / "trial" / ".half").write_bytes(b"not whole yet")
    Inbox(letters).empty()
    (theirs / "trial" / ".half").unlink()
    assert tree(ours) == tree(theirs)
    assert (ours / "trial" / "log.txt").read_text() == "begun\ndone\n"


def test_an_old_checkpoint_goes_after_the_new_one_has_come(tmp_path):
    """A node that is lost between any two letters leaves a checkpoint behind."""
    here, there = tmp_path / "here", tmp_path / "there"
    (there / "trial").mkdir(parents=True)
    (there / "trial" / "epoch_1.pth").write_bytes(b"one")
    letters = Letters()
    with mirror_folder(here, read_files(there, ["trial"]), there, letters):
        (here / "trial" / "epoch_2.pth").write_bytes(b"two")
        (here / "trial" / "epoch_1.pth").unlink()
    assert letters.qsize() == 2
    inbox = Inbox(letters)
    while not letters.empty():
        one = Letters()
        one.put(letters.get_nowait())
        inbox.queue = one
        inbox.empty()
        assert list(there.glob("trial/epoch_*.pth"))
    assert tree(there) == tree(here)


def test_nothing_goes_while_its_successor_could_not_be_read(tmp_path, monkeypatch):
    here, letters = tmp_path / "here", Letters()
    vanished = here / "trial" / "epoch_2.pth"
    real = Path.read_bytes

    def read_bytes(path):
        if path == vanished and not path.with_name("epoch_3.pth").exists():
            raise FileNotFoundError(path)  # dropped between being listed and being read
        return real(path)

    monkeypatch.setattr(mirror, "_INTERVAL_S", 0.02)
    monkeypatch.setattr(Path, "read_bytes", read_bytes)
    there = tmp_path / "there"
    with mirror_folder(here, {"trial/epoch_1.pth": b"one"}, there, letters):
        vanished.write_bytes(b"two")
        (here / "trial" / "epoch_1.pth").unlink()
        time.sleep(0.3)
        assert letters.empty()
        (here / "trial" / "epoch_3.pth").write_bytes(b"three")
    (there / "trial").mkdir(parents=True)
    (there / "trial" / "epoch_1.pth").write_bytes(b"one")
    Inbox(letters).empty()
    assert tree(there) == tree(here)


def test_what_did_not_change_is_not_sent(tmp_path):
    letters = Letters()
    with mirror_folder(tmp_path / "here", {"trial/a": b"a" * 1000}, tmp_path / "there", letters):
        pass
    assert letters.qsize() == 0
