"""The folder of a grid: its listing, its trials, its locks, its report."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hrhsco_cli.files import read_json, write_json
from hrhsco_cli.runs.folder import RunFolder
from reports.errors import InputError

if TYPE_CHECKING:
    from filelock import FileLock


@dataclass(frozen=True)
class GridFolder:
    """One grid in a folder of trials; several grids may share the folder and its trials.

    Attributes:
        path: the folder.
        suffix: empty for the first grid in the folder, ``-NAME`` for any other.
    """

    path: Path
    suffix: str = ""

    @property
    def listing(self) -> Path:
        """What the grid consists of."""
        return self.path / f"grid{self.suffix}.json"

    @property
    def results(self) -> Path:
        """One row a trial."""
        return self.path / f"results{self.suffix}.csv"

    @property
    def report(self) -> Path:
        """Where its report goes."""
        return self.path / f"report{self.suffix}"

    def read(self) -> dict[str, Any]:
        """The listing.

        Raises:
            InputError: there is none, or it is broken.
        """
        content: dict[str, Any] = read_json(self.listing, "grid")
        if "name" not in content:
            raise InputError(f"{self.listing} is of an older hrhsco; choose another folder")
        return content

    def run(self, folder: str) -> RunFolder:
        """A trial's folder."""
        return RunFolder(self.path / folder)

    def lock(self, network: str) -> "FileLock":
        """The lock of a network: whoever holds it may train it and score its trials.

        It is the kernel's (flock), so it is free again the moment its holder is gone.
        """
        from filelock import FileLock

        locks = self.path / "locks"
        locks.mkdir(parents=True, exist_ok=True)
        return FileLock(locks / f"{network}.lock", blocking=False, thread_local=False)

    @contextmanager
    def mark_running(self) -> Iterator[None]:
        """Show that the grid is being run, to those who watch it."""
        from filelock import Timeout

        lock = self.lock(self.listing.stem)
        with suppress(Timeout):  # it is started twice: the first one shows it for both
            lock.acquire(timeout=2, blocking=True)
        try:
            yield
        finally:
            lock.release()

    def is_running(self) -> bool:
        """Whether somebody is running the grid."""
        return self.is_locked(self.listing.stem)

    def is_locked(self, network: str) -> bool:
        """Whether somebody holds the lock of a network."""
        import fcntl

        # Not by FileLock, which opens the file for writing: asking must not change the folder.
        try:
            with (self.path / "locks" / f"{network}.lock").open("rb") as file:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except FileNotFoundError:
            return False
        except OSError:  # held, or somebody else's folder: what was noted has to do
            return True
        return False


def find_grids(path: Path) -> dict[str, GridFolder]:
    """The grids in a folder by name, the first one first."""
    files = sorted(path.glob("grid*.json"), key=lambda file: (file.stem != "grid", file.stem))
    found = [GridFolder(path, file.stem.removeprefix("grid")) for file in files]
    return {each.read()["name"]: each for each in found}


def find_grid(path: Path, name: str | None) -> GridFolder:
    """A grid in a folder: the first, or the one of a name.

    Raises:
        InputError: the folder has no grid, or none of that name.
    """
    grids = find_grids(path) if path.is_dir() else {}
    if not grids:
        raise InputError(f"{path} holds no grid (no grid.json); run hrhsco ablate grid")
    if name is not None and name not in grids:
        raise InputError(f"{path} holds no grid {name!r}; there are {', '.join(grids)}")
    return grids[name] if name is not None else next(iter(grids.values()))


def write_listing(path: Path, listing: dict[str, Any]) -> GridFolder:
    """Write a grid's listing into a folder, beside those of other grids.

    Args:
        path: the folder; made if it isn't there.
        listing: with the grid's ``name``; one of the same name is replaced.

    Raises:
        InputError: the folder can't be written to.
    """
    try:
        with GridFolder(path).lock("listing").acquire(blocking=True):
            grids = find_grids(path)
            name = listing["name"]
            grid = grids.get(name) or GridFolder(path, f"-{name}" if grids else "")
            write_json(grid.listing, listing)
    except OSError as error:
        raise InputError(
            f"can't write to {path}: {error.strerror}; choose another --out"
        ) from error
    return grid
