"""Files are written aside and renamed: a full disk leaves what was there."""

import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from hrhsco_cli import files
from reports.errors import InputError


def test_a_full_disk_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "metrics.json"
    files.write_json(path, {"old": 1})

    def full(self, text, **_):
        self.open("w").write(text[:3])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(InputError, match="No space left on device; nothing was changed"):
        files.write_json(path, {"new": 2})
    assert json.loads(path.read_bytes()) == {"old": 1}
    assert list(tmp_path.iterdir()) == [path]


def test_an_interrupt_leaves_the_old_file(tmp_path):
    path = tmp_path / "a.txt"
    files.write_text(path, "old")
    with pytest.raises(KeyboardInterrupt), files.replace_file(path) as aside:
        aside.write_text("half")
        raise KeyboardInterrupt
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_nan_is_no_json(tmp_path):
    with pytest.raises(ValueError, match="Out of range"):
        files.write_json(tmp_path / "a.json", {"x": float("nan")})
    assert list(tmp_path.iterdir()) == []


def test_a_link_to_a_folder_goes_on_pointing_to_the_result(tmp_path):
    disk, link = tmp_path / "disk" / "data", tmp_path / "data"
    disk.mkdir(parents=True)
    link.symlink_to(disk)
    for full in (False, True):
        with files.replace_folder(link, full=full) as aside:
            assert aside.parent == disk.parent  # on the disk that it is to lie on
            (aside / "a").write_text("new")
        assert link.is_symlink() and (disk / "a").read_text() == "new"
        assert [path.name for path in disk.parent.iterdir()] == ["data"]


def test_the_folder_one_stands_in_is_refused_before_the_work(tmp_path, monkeypatch):
    """It would be renamed away from under the shell."""
    (tmp_path / "a").mkdir()
    monkeypatch.chdir(tmp_path / "a")
    for path in (Path(), Path("..")):
        with (
            pytest.raises(InputError, match="where this command was started"),
            files.replace_folder(path, full=True),
        ):
            pytest.fail("it was begun")


def test_a_mounted_folder_is_refused_before_the_work():
    with pytest.raises(InputError, match="/proc is mounted"), files.replace_folder(Path("/proc")):
        pytest.fail("it was begun")


@pytest.mark.parametrize("mask", [0o022, 0o077, 0o002])
def test_new_files_have_the_mode_that_the_umask_leaves(mask, tmp_path):
    program = (
        "import os, sys; os.umask(int(sys.argv[1])); from pathlib import Path\n"
        "from hrhsco_cli import files; files.write_text(Path('a'), 'a')\n"
        "with files.replace_folder(Path('b')): pass"
    )
    root = Path(files.__file__).parents[1]
    subprocess.run(
        [sys.executable, "-c", program, str(mask)],
        check=True,
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(root)},
    )
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o666 & ~mask
    assert (tmp_path / "b").stat().st_mode & 0o777 == 0o777 & ~mask


def test_a_replaced_file_keeps_its_mode(tmp_path):
    path = tmp_path / "secret.json"
    path.touch(mode=0o600)
    files.write_json(path, {})
    assert path.stat().st_mode & 0o777 == 0o600
