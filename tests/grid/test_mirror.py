"""A folder that is sent to another machine as it changes."""

import queue

from hrhsco_cli.grid.executors.mirror import Inbox, mirrored, snapshot


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
    with mirrored(theirs, snapshot(ours, ["trial", "missing"]), ours, letters):
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


def test_what_did_not_change_is_not_sent(tmp_path):
    letters = Letters()
    with mirrored(tmp_path / "here", {"trial/a": b"a" * 1000}, tmp_path / "there", letters):
        pass
    assert letters.qsize() == 0
