"""Public layouts to COCO JSON: one reader a layout, one table of them."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from hrhsco_cli.datasets.coco_json import coco_dict
from hrhsco_cli.datasets.convert import dota, uavdt, visdrone, yolo
from hrhsco_cli.datasets.convert.layout import Converted, Layout
from hrhsco_cli.files import write_json
from hrhsco_cli.progress import progress
from reports.errors import InputError

LAYOUTS: dict[str, Callable[[Path], Layout]] = {
    "visdrone": visdrone.read,
    "uavdt": uavdt.read,
    "yolo": yolo.read,
    "dota": dota.read,
}


@dataclass(frozen=True)
class Summary:
    """What a conversion did."""

    images: int
    boxes: int
    clipped: int
    dropped: int


def convert_dataset(layout: str, source: Path, out: Path) -> Summary:
    """Convert a data set in a public layout to one COCO JSON.

    Args:
        layout: a key of ``LAYOUTS``.
        source: the data set's folder.
        out: the file to write.

    Raises:
        InputError: unknown layout, or the folder is not in it.
    """
    if layout not in LAYOUTS:
        raise InputError(f"no layout {layout!r}; choose one of {', '.join(LAYOUTS)}")
    if not source.is_dir():
        raise InputError(f"no folder {source}")
    if out.suffix != ".json":
        raise InputError(f"{out} is no .json file; name the file to write: {out}/train.json")
    found = LAYOUTS[layout](source)
    done = Converted()
    with progress(f"converting {layout}", found.num_images) as log:
        for image in found.images:
            done.add(image)
            log.advance()
    write_json(out, coco_dict(done.images, done.annotations, found.categories), indent=None)
    return Summary(len(done.images), len(done.annotations), done.clipped, done.dropped)
