"""The one reader of annotations and of results: JSON straight into typed rows.

Numbers are numbers (true is none, NaN is none, "12" is none), ids are whole numbers or text as
given, sizes are there and positive; other keys are passed over. What is wrong is told with the
file and the place in it.
"""

import gzip
import zlib
from collections import Counter
from collections.abc import Iterable, Sequence
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import msgspec
from msgspec import Meta

from hrhsco_cli.files import parse_json, refuse_output, require_text
from reports.errors import InputError

Id = int | str
"""Of images, annotations and categories."""

Corners = tuple[float, float, float, float]
"""``x, y, w, h``."""
_Flag = bool | int | None


if TYPE_CHECKING:  # what they are once a row is read
    _Given = Id
    _Name = str
    _Side = int
else:  # what a file may write: some libraries make 7.0 of 7, and call a class 1
    _Given = int | float | str
    _Name = str | int
    _Px = Meta(ge=1, le=1 << 20)  # no library decodes more
    _Side = Annotated[int, _Px] | Annotated[float, _Px]


class ImageRow(msgspec.Struct):
    """One of a COCO file's ``images``."""

    id: _Given
    file_name: str
    width: _Side
    height: _Side
    ignore_regions: list[Corners] | None = None

    def __post_init__(self) -> None:
        self.id = require_whole_number(self.id, "id")
        self.width, self.height = (
            _require_whole_side(self.width, "width"),
            _require_whole_side(self.height, "height"),
        )
        if not self.file_name or "\0" in self.file_name:
            raise ValueError("file_name names no file")


class AnnotationRow(msgspec.Struct):
    """One of a COCO file's ``annotations``."""

    image_id: _Given
    category_id: _Given
    bbox: Corners
    id: _Given | None = None
    area: Annotated[float, Meta(ge=0)] | None = None
    iscrowd: _Flag = None
    ignore: _Flag = None

    def __post_init__(self) -> None:
        self.image_id = require_whole_number(self.image_id, "image_id")
        self.category_id = require_whole_number(self.category_id, "category_id")
        if self.id is not None:
            self.id = require_whole_number(self.id, "id")


class CategoryRow(msgspec.Struct):
    """One of a COCO file's ``categories``."""

    id: _Given
    name: _Name

    def __post_init__(self) -> None:
        self.id, self.name = require_whole_number(self.id, "id"), str(self.name)


class CocoFile(msgspec.Struct):
    """A COCO annotation file."""

    images: list[ImageRow]
    annotations: list[AnnotationRow]
    categories: list[CategoryRow]
    licenses: msgspec.Raw = msgspec.Raw(b"")

    def may_repeat_keys(self, content: bytes) -> bool:
        """Say whether a key that is read may stand twice in one object of the file.

        The decoder silently takes the last of two. Counting keys takes half the time of looking at
        each object and no memory; of two keys that are spelled alike it overlooks none.

        Args:
            content: The file's bytes.

        Returns:
            Whether some key stands more often than there are objects for it.
        """
        rows: dict[type[msgspec.Struct], Sequence[msgspec.Struct]] = {
            ImageRow: self.images,
            AnnotationRow: self.annotations,
            CategoryRow: self.categories,
        }
        known = Counter(dict.fromkeys(CocoFile.__struct_fields__, 1))
        for kind, each_kind in rows.items():
            for key in kind.__struct_fields__:
                known[key] += sum(each is not None for each in map(attrgetter(key), each_kind))
        licenses = bytes(self.licenses)
        return any(
            content.count(quoted) > count + licenses.count(quoted)
            for key, count in known.items()
            if (quoted := f'"{key}"'.encode())
        )


class ResultRow(msgspec.Struct):
    """One row of COCO results.

    Ids of 7.0 stay so, since files have millions of rows; ``require_whole_number`` makes 7 of them
    later. For the same reason a key that stands twice is not looked for here: the last is taken.
    """

    image_id: _Given
    category_id: _Given
    bbox: Corners
    score: float


ROWS: dict[str, type[msgspec.Struct]] = {
    "images": ImageRow,
    "annotations": AnnotationRow,
    "categories": CategoryRow,
}
"""The parts of a COCO file by key."""


def require_whole_number(number: float | str, key: str) -> Id:
    """Make an id that libraries write as 7.0 a whole number; text stays as it is.

    Args:
        number: The id as the file gives it.
        key: Its key, for the message.

    Returns:
        The id.

    Raises:
        ValueError: It is a fraction.
    """
    if not isinstance(number, float):
        return number
    if not number.is_integer():
        raise ValueError(f"{key} is {number}, no whole number")
    return int(number)


def _require_whole_side(number: float, key: str) -> int:
    return int(require_whole_number(number, key))


_T = TypeVar("_T")


def read_records(path: Path, kind: type[_T], what: str, form: str) -> _T:
    """Read a JSON file (``.json`` or ``.json.gz``) as typed records.

    Args:
        path: The file.
        kind: The type of the whole content.
        what: What it holds, for messages ("annotations").
        form: The form that it should have, for messages ("COCO annotation file").

    Returns:
        The content.

    Raises:
        InputError: It is missing, no JSON, or not of that kind; the message names the place.
    """
    content = read_bytes(path, what)
    if not content.isascii():
        require_text(path, content)  # also of what is passed over
    try:
        found = msgspec.json.decode(content, type=kind)
    except msgspec.ValidationError as error:
        raise InputError(f"{path} is no {form}: {describe_mismatch(error)}") from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _explain_bad_json(path, content, what, error) from error
    if isinstance(found, CocoFile) and found.may_repeat_keys(content):
        parse_json(path, require_text(path, content), what)  # which refuses those that do
    return found


def describe_mismatch(error: msgspec.ValidationError) -> str:
    """Write a decoder's message as ``images[3].width: expected int, got null``.

    Args:
        error: What the decoder raised.

    Returns:
        The place and what is wrong there.
    """
    said, _, path = str(error).partition(" - at `$")
    where = path.rstrip("`").lstrip(".")
    said = said.replace("`", "").replace("Object missing required field", "lacks")
    said = said[:1].lower() + said[1:]
    return f"{where}: {said}" if where else said


def _explain_bad_json(path: Path, content: bytes, what: str, error: Exception) -> InputError:
    """Explain why a file is no JSON, with the line where it is known."""
    try:
        parse_json(path, require_text(path, content), what)
    except InputError as told:
        return told
    return InputError(f"{path} is not valid JSON ({error}); write the {what} again")


def read_bytes(path: Path, what: str) -> bytes:
    """Read a file's bytes, unpacked (``.gz``) and without a byte order mark.

    Args:
        path: The file.
        what: What it should be, for messages.

    Returns:
        The bytes.

    Raises:
        InputError: It can't be read, or is an output of this call.
    """
    refuse_output(path)
    try:
        content = path.read_bytes()
        if path.suffix == ".gz":
            content = gzip.decompress(content)
    except FileNotFoundError:
        raise InputError(f"no {what} at {path}; check the path") from None
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"can't read {what} {path}: {error}") from error
    return content.removeprefix(b"\xef\xbb\xbf")


def read_coco(path: Path) -> dict[str, Any]:
    """Read a COCO JSON (``.json`` or ``.json.gz``) as plain values, its rows unchecked.

    Args:
        path: The file.

    Returns:
        Its top level.

    Raises:
        InputError: It is missing, is no JSON, or its top level is no object.
    """
    content = parse_json(path, require_text(path, read_bytes(path, "annotations")), "annotations")
    if not isinstance(content, dict):
        raise InputError(
            f"{path} is no COCO annotation file (its top level is no object); name the annotations"
        )
    return content


def are_one_kind(ids: Iterable[Id]) -> bool:
    """Say whether ids are all numbers or all text.

    Args:
        ids: The ids.

    Returns:
        Whether they are.
    """
    return len({isinstance(each, str) for each in ids}) < 2
