"""Writing files so that a reader never sees half of one: written aside, then renamed."""

import contextlib
import errno
import hashlib
import json
import os
import shutil
import stat
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reports.errors import InputError

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def _read_umask() -> int:
    """Read what is taken off the modes of new files; it can only be read by setting it."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


_UMASK = _read_umask()
"""Read once, when no other thread makes files."""

_MOST_LINKS = 40
"""In a row; as many as Linux follows."""

_SHOWN_OF_OBJECT = 60
"""Characters by which a message lets an object be found."""

FIGURE_FORMATS = ("png", "pdf", "svg")
"""What a figure can be written as; the first where a name says nothing."""

_TAIL_BYTES = 1 << 16
"""Where a last row is looked for: many times the length of one."""


def replace_file(path: Path) -> AbstractContextManager[Path]:
    """Write a file in one step: it takes ``path``'s place when the block ends without an error.

    On an error (a full disk, an interrupt) the half-written file is removed and what stood at
    ``path`` before stays as it was. The new file has the old one's mode. A link is followed, and
    goes on pointing to the result; ``-``, and what is no regular file (a pipe, a device), gets the
    content when the block ends.

    Args:
        path: the file.

    Yields:
        The path to write to.

    Raises:
        InputError: it can't be written to.
    """
    try:
        place = resolve_destination(path)
    except OSError as error:
        raise InputError(f"can't write {path}: {error.strerror}; choose another place") from error
    if place is None:
        return _send_to(path)
    mode = stat.S_IMODE(place.stat().st_mode) if place.is_file() else 0o666 & ~_UMASK
    return _replace(place, _make_file, mode, lambda aside: aside.unlink(missing_ok=True))


def resolve_destination(path: Path) -> Path | None:
    """Follow links to the file that is written where a path is named.

    Not replaced are ``-`` (standard output), pipes, devices, and all of ``/dev`` and ``/proc``,
    where the name of a regular file may be that of an open one.

    Args:
        path: the path.

    Returns:
        The file; None where the path is none that may be replaced.

    Raises:
        OSError: links go round in a circle, or the way there may not be looked at.
    """
    if is_standard_output(path):
        return None
    for _ in range(_MOST_LINKS):
        path = Path(os.path.realpath(path.parent), path.name)
        if path.parts[1:2] in (("dev",), ("proc",)):
            return None
        if not path.is_symlink():
            return None if path.exists() and not (path.is_file() or path.is_dir()) else path
        path = path.parent / path.readlink()
    raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))


def is_standard_output(path: Path) -> bool:
    """Say whether a path is ``-``.

    Args:
        path: the path.

    Returns:
        Whether it is.
    """
    return str(path) == "-"


@contextlib.contextmanager
def keep_stdout_for_data() -> Iterator[None]:
    """Keep standard output for what is written to ``-``; all that is printed goes to stderr.

    Yields:
        Nothing.

    Raises:
        InputError: it is kept already.
    """
    if _kept:
        raise InputError("two outputs are '-', and there is one standard output; name a file")
    _kept.append(sys.stdout)
    try:
        with contextlib.redirect_stdout(sys.stderr):
            yield
    finally:
        _kept.clear()


_kept: list[Any] = []
"""Standard output, while it is kept for data."""


@contextlib.contextmanager
def claim_output(path: Path) -> Iterator[None]:
    """Mark a file as one that this call writes, so that ``refuse_output`` keeps it from being read.

    Without it, an output that is named as one of the inputs would be written over, and lost.

    Args:
        path: the file; ``-``, pipes and devices are written to and lose nothing.

    Yields:
        Nothing; the mark is gone when the block ends.

    Raises:
        InputError: another output of this call is the same file.
    """
    try:
        real = resolve_destination(path)
    except OSError:  # writing says what is wrong
        real = None
    if real is None:
        yield
        return
    if real in _outputs:
        raise InputError(f"two outputs name the same file {path}; give each a file of its own")
    _outputs.add(real)
    try:
        yield
    finally:
        _outputs.discard(real)


_outputs: set[Path] = set()
"""Files that this call writes at its end, links followed."""


class OverwriteError(InputError):
    """An output is named as one of the inputs."""


def refuse_output(path: Path) -> None:
    """Refuse to read a file that this call is about to write over.

    Args:
        path: the file that is about to be read.

    Raises:
        OverwriteError: an output was claimed at that path (``claim_output``).
    """
    if _outputs and Path(os.path.realpath(path)) in _outputs:
        raise OverwriteError(
            f"{path} is read by this call and named as its output, which would overwrite it; "
            "name another file for the output"
        )


@contextlib.contextmanager
def _send_to(path: Path) -> Iterator[Path]:
    """Yield a path to write to, whose content is written to ``path`` when the block ends."""
    with tempfile.TemporaryDirectory() as folder:
        aside = Path(folder, f"content{path.suffix}")
        aside.touch()
        yield aside
        content = aside.read_bytes()
    try:
        with _open_special(path) as file:
            file.write(content)
    except OSError as error:
        raise InputError(f"can't write {path}: {error.strerror or error}") from error


@contextlib.contextmanager
def _open_special(path: Path) -> Iterator[Any]:
    """Open what is no regular file, to be appended to: it is neither made nor cut short."""
    if is_standard_output(path):
        stdout = _kept[0] if _kept else sys.stdout
        stdout.flush()
        yield stdout.buffer
        stdout.flush()
        return
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_APPEND), "wb") as file:
        yield file


def replace_folder(path: Path, *, full: bool = False) -> AbstractContextManager[Path]:
    """Fill a folder in one step: it becomes ``path`` when the block ends without an error.

    A link is followed, so that it goes on pointing to the result.

    Args:
        path: A path where nothing is, or an empty folder; with ``full`` any folder.
        full: whether ``path`` may be a folder with content, which is then removed. On an error the
            old content stays, or comes back.

    Yields:
        An empty folder to fill.

    Raises:
        InputError: the folder around it can't be written to, there is no room, or it can't be
            replaced: a file system is mounted there, or this process works in it.
    """
    path = Path(os.path.realpath(path))
    if os.path.ismount(path):
        raise InputError(f"{path} is mounted, and can't be replaced; name a folder in it")
    if Path(os.path.realpath(os.curdir)).is_relative_to(path):
        raise InputError(
            f"{path} is where this command was started, and would be replaced; name a folder in it"
        )
    put = _swap_folders if full else Path.replace
    return _replace(
        path, _make_folder, 0o777 & ~_UMASK, partial(shutil.rmtree, ignore_errors=True), put
    )


def _swap_folders(new: Path, path: Path) -> None:
    """Put the folder ``new`` in the place of ``path``; none can be renamed over a full one."""
    if not path.exists():
        new.replace(path)
        return
    old = Path(_make_folder(path)) / path.name
    try:
        path.replace(old)
        try:
            new.replace(path)
        except BaseException:  # an interrupt too must not cost the old folder
            old.replace(path)
            raise
    finally:
        # Left alone where the old folder could not be put back: it is the only copy.
        if path.exists():
            shutil.rmtree(old.parent, ignore_errors=True)


@contextlib.contextmanager
def _replace(
    path: Path,
    make: Callable[[Path], str],
    mode: int,
    remove: Callable[[Path], None],
    put: Callable[[Path, Path], object] = Path.replace,
) -> Iterator[Path]:
    """Make something beside ``path``, yield it, and put it at ``path`` or remove it."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        aside = Path(make(path))
    except OSError as error:
        raise InputError(f"can't write {path}: {error.strerror}; choose another place") from error
    try:
        yield aside
        aside.chmod(mode)
        put(aside, path)
    except OSError as error:
        raise InputError(
            f"can't write {path}: {error.strerror or error}; nothing was changed"
        ) from error
    finally:
        remove(aside)


def _make_file(path: Path) -> str:
    handle, name = tempfile.mkstemp(prefix=f".{path.stem}-", suffix=path.suffix, dir=path.parent)
    os.close(handle)
    return name


def _make_folder(path: Path) -> str:
    return tempfile.mkdtemp(prefix=f".{path.name}-", dir=path.parent)


def write_bytes(path: Path, content: bytes) -> None:
    """Write bytes in one step.

    Args:
        path: the file.
        content: the bytes.
    """
    with replace_file(path) as aside:
        aside.write_bytes(content)


def write_text(path: Path, text: str) -> None:
    """Write text in one step.

    Args:
        path: the file.
        text: the text.
    """
    with replace_file(path) as aside:
        aside.write_text(text, encoding="utf-8")


def write_figure(path: Path, figure: "Figure") -> None:
    """Write a figure in one step: as PNG, or as the vector format that the suffix names.

    Args:
        path: the file; without a suffix it becomes a PNG.
        figure: the figure.

    Raises:
        InputError: the suffix is of no format that figures have, or the file can't be written.
    """
    kind = require_figure_format(path)
    with replace_file(path) as aside:
        figure.savefig(aside, format=kind)


def require_figure_format(path: Path) -> str:
    """Find the format of a figure by the suffix of its file.

    Args:
        path: the file.

    Returns:
        One of ``FIGURE_FORMATS``; the first if there is no suffix.

    Raises:
        InputError: the suffix is of no format that figures have.
    """
    kind = path.suffix.lower().removeprefix(".") or FIGURE_FORMATS[0]
    if kind not in FIGURE_FORMATS:
        known = ", ".join(f".{each}" for each in FIGURE_FORMATS)
        raise InputError(f"{path}: a figure is written as one of {known}; name such a file")
    return kind


def write_json(path: Path, value: Any, indent: int | None = 2) -> None:
    """Write a value as JSON in one step; NaN is refused, since JSON has none.

    Args:
        path: the file.
        value: the value.
        indent: spaces for each level; None writes one line.
    """
    write_text(path, json.dumps(value, indent=indent, allow_nan=False) + "\n")


def read_rows(path: Path) -> list[dict[str, Any]]:
    """Read the rows of a file of JSON lines; a line that a crash cut off ends them.

    Args:
        path: the file.

    Returns:
        The rows; none without the file.
    """
    rows: list[dict[str, Any]] = []
    try:
        lines = path.read_bytes().splitlines()
    except FileNotFoundError:
        return rows
    for line in lines:
        try:
            row = json.loads(line)
        except ValueError:
            break
        if not isinstance(row, dict):
            break
        rows.append(row)
    return rows


def read_last_row(path: Path) -> dict[str, Any]:
    """Read the last whole row of a file of JSON lines; a long file is not read whole.

    The state of a grid is asked for twice a second, and the log of a long training has many lines.

    Args:
        path: the file.

    Returns:
        The row; empty if there is none.
    """
    try:
        with path.open("rb") as file:
            start = max(0, file.seek(0, os.SEEK_END) - _TAIL_BYTES)
            file.seek(start)
            lines = file.read().splitlines()
    except FileNotFoundError:
        return {}
    for line in reversed(lines[1:] if start else lines):
        with contextlib.suppress(ValueError):
            row = json.loads(line)
            if isinstance(row, dict):
                return row
    return {}


def read_json(path: Path, what: str) -> Any:
    """Read a JSON file.

    Args:
        path: the file.
        what: what it should be, for the message ("annotations").

    Returns:
        Its value.

    Raises:
        InputError: it is missing or unreadable, is no JSON, or a key stands twice in one object;
            the message names file and line.
    """
    return parse_json(path, read_text(path, what), what)


def parse_json(path: Path, text: str, what: str) -> Any:
    """Parse the text of a JSON file.

    Args:
        path: the file, for messages.
        text: its content.
        what: what it should be, for messages.

    Returns:
        Its value.

    Raises:
        InputError: it is no JSON, or a key stands twice in one object.
    """
    try:
        return json.loads(
            text, parse_constant=_refuse_constant, object_pairs_hook=_refuse_key_twice
        )
    except json.JSONDecodeError as error:
        raise InputError(
            f"{path} is not valid JSON (line {error.lineno}, column {error.colno}: {error.msg}); "
            f"write the {what} again"
        ) from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path} is not valid JSON ({error}); write the {what} again") from error


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"it holds {name}, and no figure may be NaN or infinity")


def _refuse_key_twice(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Make an object of its pairs, each key once: of two, Python silently takes the last."""
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        key = next(each for each in keys if keys.count(each) > 1)
        start = json.dumps(found)[:_SHOWN_OF_OBJECT]
        raise ValueError(f"the key {key!r} stands twice in the object that begins {start}")
    return found


def read_text(path: Path, what: str) -> str:
    """Read a text file: UTF-8, with or without a byte order mark.

    Args:
        path: the file.
        what: what it should be, for the message ("label file").

    Returns:
        Its text.

    Raises:
        InputError: it is missing, unreadable, of another encoding (the message names the line), or
            an output of this call.
    """
    refuse_output(path)
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise InputError(f"no {what} at {path}; check the path") from None
    except OSError as error:
        raise InputError(f"can't read {what} {path}: {error.strerror or error}") from error
    return require_text(path, content)


def require_text(path: Path, content: bytes) -> str:
    """Decode a file's bytes as UTF-8, without a byte order mark.

    Args:
        path: the file, for messages.
        content: its bytes.

    Returns:
        The text.

    Raises:
        InputError: they are no UTF-8.
    """
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise InputError(
            f"{path}, line {line}: the text is not UTF-8 (byte {error.start}); save it as UTF-8"
        ) from error


def is_reachable_file(path: Path) -> bool:
    """Whether a path is that of a file, and no folder on its way is closed to us.

    Args:
        path: any path, also one that another machine recorded.
    """
    try:
        return path.is_file()
    except OSError:
        return False


def join_inside(folder: Path, name: str) -> Path:
    """Join a folder and the name of something in it, so that it can't lead out of the folder.

    The name's root and each ``..`` are left out.

    Args:
        folder: the folder.
        name: the name, whatever it says.

    Returns:
        The path.

    Raises:
        InputError: nothing is left of the name, or a link on the way leads out of the folder.
    """
    path = folder / make_inner_name(name)
    if not path.resolve().is_relative_to(folder.resolve()):
        raise InputError(f"{path} leads out of {folder} by a link; remove the link")
    return path


def make_inner_name(name: str) -> str:
    """Make a name a path below a folder: without root, ``.`` and ``..``.

    Args:
        name: the name.

    Returns:
        What is left of it.

    Raises:
        InputError: nothing is left of it.
    """
    parts = [each for each in name.split("/") if each not in ("", ".", "..")]
    if not parts or "\0" in name:
        raise InputError(f"{name!r} is no name of a file")
    return "/".join(parts)


def hash_file(path: Path) -> str:
    """Compute the SHA-256 of a file's content; it is read once, unless it changes.

    Args:
        path: the file.

    Returns:
        The digest, in hexadecimal digits.
    """
    refuse_output(path)
    stat = path.stat()
    return _hash_content(path, stat.st_size, stat.st_mtime_ns)


@cache
def _hash_content(path: Path, _size: int, _changed: int) -> str:
    with path.open("rb") as file:
        digest = hashlib.sha256()
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
