"""Whatever one thing of a file is broken: the right figure, or one line that names the file.

Never another exit code, never a traceback, nothing left behind. Over 400 broken files a run.
"""

import itertools
import json
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from hrhsco_cli.datasets.check import check_coco
from hrhsco_cli.grid.data import make_data_finder
from hrhsco_cli.grid.spec import read_grid
from reports.errors import InputError
from reports.frames import BOX_COLUMNS, GroundTruth
from tests.helpers.calling import call_here
from tests.helpers.damage import broken_bytes, broken_rows, broken_trees
from tests.reference.coco import precision_by_pycocotools

COUNT = itertools.count()
SIZE = (60, 40)


TIMES = int(os.environ.get("HRHSCO_FUZZ", 1))
"""More examples, for a night of them."""

SHARE = 1 if os.environ.get("HYPOTHESIS_PROFILE") == "whole" else 4
"""The fast tests alone draw a quarter of them."""


def fuzzed(examples):
    return settings(
        max_examples=examples * TIMES // SHARE,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )


@pytest.fixture(scope="module")
def scratch_folder(tmp_path_factory):
    return tmp_path_factory.mktemp("fuzz")


def fresh(root):
    folder = root / str(next(COUNT))
    folder.mkdir()
    return folder


def right_or_refused(done, *names):
    """0, or 2 with one line that names one of the files."""
    assert done.returncode in (0, 2), (done.returncode, done.stdout, done.stderr)
    assert "Traceback" not in done.stderr
    printed = (done.stdout + done.stderr).replace("\n", "").replace("\t", "")
    assert printed.isprintable() or not any(ord(each) < 32 or each == "\x7f" for each in printed)
    if done.returncode == 0:
        return True
    lines = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert len(lines) == 1
    assert lines[0] == done.stderr.strip().splitlines()[-1]
    assert any(name in lines[0] for name in names), lines[0]
    return False


def dumped(tree):
    return json.dumps(tree).encode()


def json_files(tree):
    """One thing of a tree broken, or one of its bytes."""
    return st.one_of(broken_trees(tree).map(dumped), broken_bytes(dumped(tree)))


COCO = {
    "images": [
        {"id": 1, "file_name": "a.png", "width": 60, "height": 40},
        {"id": 2, "file_name": "b.png", "width": 60, "height": 40, "license": 1},
    ],
    "annotations": [
        {"id": 0, "image_id": 1, "category_id": 3, "bbox": [1, 2, 9, 8], "area": 72, "iscrowd": 0},
        {"id": 1, "image_id": 1, "category_id": 5, "bbox": [20, 5, 6.5, 7]},
        {"id": 2, "image_id": 2, "category_id": 3, "bbox": [30, 9, 8, 8], "ignore": 0},
    ],
    "categories": [{"id": 3, "name": "car"}, {"id": 5, "name": "bus"}],
}
RESULTS = [
    {"image_id": 1, "category_id": 3, "bbox": [1, 2, 9, 8], "score": 0.9},
    {"image_id": 1, "category_id": 3, "bbox": [40, 20, 9, 8], "score": 0.8},
    {"image_id": 1, "category_id": 5, "bbox": [20, 5.5, 6.5, 7], "score": 0.7},
    {"image_id": 2, "category_id": 3, "bbox": [31, 9, 8, 8], "score": 0.6},
]


def expected_ap(coco, results):
    """AP by pycocotools, of files read as loosely as Python does."""
    boxes = pd.DataFrame(
        [
            [
                number,
                int(a["image_id"]),
                int(a["category_id"]),
                *a["bbox"],
                a["bbox"][2] * a["bbox"][3] if a.get("area") is None else a["area"],
                bool(a.get("iscrowd")) or bool(a.get("ignore")),
            ]
            for number, a in enumerate(coco["annotations"])
        ],
        columns=BOX_COLUMNS,
    )
    truth = GroundTruth(
        pd.DataFrame([{"image_id": int(each["id"])} for each in coco["images"]]),
        boxes,
        pd.DataFrame([{"category_id": int(each["id"])} for each in coco["categories"]]),
        "",
    )
    rows = [[int(r["image_id"]), int(r["category_id"]), *r["bbox"], r["score"]] for r in results]
    found = pd.DataFrame(rows, columns=["image_id", "category_id", *"xywh", "score"])
    precision = precision_by_pycocotools(truth, found, (1, 100, 500), {"all": (0, 1e10)})
    known = precision[..., 0, 2]
    return known[known > -1].mean() if (known > -1).any() else None


def is_plain(coco):
    """Whether loose reading is good enough: nothing but numbers where numbers are meant."""
    return all(
        all(isinstance(row.get(key, 0), (int, float, type(None))) for key in ("id", "image_id"))
        for part in coco.values()
        for row in part
    )


def scored_as_expected(folder, coco, results):
    (folder / "gt.json").write_bytes(coco)
    (folder / "dt.json").write_bytes(results)
    before = sorted(folder.iterdir())
    done = call_here(
        "evaluate",
        "--predictions",
        folder / "dt.json",
        "--annotations",
        folder / "gt.json",
        "--json",
        folder / "metrics.json",
    )
    if not right_or_refused(done, "gt.json", "dt.json"):
        assert sorted(folder.iterdir()) == before
        return False
    read, found = (json.loads(each.decode("utf-8-sig")) for each in (coco, results))
    ap = json.loads((folder / "metrics.json").read_text())["ap.all"]
    if is_plain({key: read[key] for key in COCO}) and found:
        expected = expected_ap(read, found)
        assert ap == (None if expected is None else pytest.approx(expected, abs=1e-6))
    return True


def test_the_unbroken_files_are_scored(scratch_folder):
    assert scored_as_expected(fresh(scratch_folder), dumped(COCO), dumped(RESULTS))


@fuzzed(80)
@given(coco=json_files(COCO))
def test_broken_annotations_are_read_right_or_refused(scratch_folder, coco):
    folder = fresh(scratch_folder)
    scored = scored_as_expected(folder, coco, dumped(RESULTS))
    # What a reader refuses, the checker tells; sizes and files of images it alone looks at.
    problems = check_coco(folder / "gt.json")
    told = set(problems.loc[problems["severity"] == "error", "problem"]) - {"missing image"}
    unknown = {"unknown image", "unknown category"}  # in results, which no checker sees
    lost = {each["image_id"] for each in RESULTS}, {each["category_id"] for each in RESULTS}
    if not scored and not told:
        read = json.loads(coco.decode("utf-8-sig"))
        kept = {each["id"] for each in read["images"]}, {each["id"] for each in read["categories"]}
        assert not (lost[0] <= kept[0] and lost[1] <= kept[1])
    if scored:
        assert told <= unknown | {"no images"}


@fuzzed(60)
@given(results=json_files(RESULTS))
def test_broken_results_are_read_right_or_refused(scratch_folder, results):
    scored_as_expected(fresh(scratch_folder), dumped(COCO), results)


def write_images(folder, *names):
    for shade, name in enumerate(names):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", SIZE, (9 * shade, 0, 0)).save(folder / name)


def count_inside(rows):
    """How many of some x, y, w, h have something in the image."""
    rows = np.array(rows, dtype=float).reshape(-1, 4)
    low, high = np.maximum(rows[:, :2], 0), np.minimum(rows[:, :2] + rows[:, 2:], SIZE)
    return int(((high > low).all(axis=1) & (rows[:, 2:] > 0).all(axis=1)).sum())


def split_rows(content, separator):
    """The words of each row, as Python splits them."""
    lines = content.decode("utf-8-sig").splitlines()
    return [
        line.strip().removesuffix(separator or "\0").split(separator)
        for line in lines
        if line.strip()
    ]


@dataclass(frozen=True)
class RowLayout:
    """A layout whose labels are rows of text.

    Attributes:
        label: the file of rows.
        images: the files of its images.
        separator: between the words of a row.
        rows: of an unbroken file.
        box: from a row's words, as Python splits them, to x, y, w, h in px; None where it is none.
        others: further files, by name.
    """

    label: str
    images: tuple[str, ...]
    separator: str
    rows: tuple[str, ...]
    box: Callable[[list[str]], list[float] | None]
    others: dict[str, str] = field(default_factory=dict)

    def write(self, folder, content):
        write_images(folder, *self.images)
        for name, text in (self.others | {self.label: ""}).items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text)
        (folder / self.label).write_bytes(content)

    def count_boxes(self, content):
        separator = None if self.separator == " " else self.separator
        boxes = [self.box(words) for words in split_rows(content, separator)]
        return count_inside([each for each in boxes if each is not None])


def visdrone_box(words):
    numbers = [float(each) for each in words]
    assert numbers[4] in (0, 1)
    assert numbers[6] in (0, 1)
    assert numbers[7] in (0, 1, 2)
    return numbers[:4] if 1 <= numbers[5] <= 10 else None


def bound_corners(xs, ys):
    return [min(xs), min(ys), max(xs) - min(xs), max(ys) - min(ys)]


def dota_box(words):
    numbers = [float(each) for each in words[:8]]
    return bound_corners(numbers[::2], numbers[1::2])


def yolo_box(words):
    numbers = [float(each) for each in words[1:]]
    if len(numbers) < 6:
        cx, cy, w, h = numbers[:4]
        box = [cx - w / 2, cy - h / 2, w, h]
    else:
        box = bound_corners(numbers[::2], numbers[1::2])
    return list(np.array(box) * np.tile(SIZE, 2))


ROW_LAYOUTS = {
    "visdrone": RowLayout(
        label="annotations/a.txt",
        images=("images/a.jpg",),
        separator=",",
        rows=("1,2,9,8,1,4,0,0", "5,5,20,9,0,0,0,0", "30,9,7,7,1,1,0,1"),
        box=visdrone_box,
    ),
    "uavdt": RowLayout(
        label="UAV-benchmark-MOTD_v1.0/GT/M0101_gt_whole.txt",
        images=tuple(f"UAV-benchmark-M/M0101/img{frame:06d}.jpg" for frame in (1, 2)),
        separator=",",
        rows=("1,5,1,2,9,8,1,1,2", "2,5,3,4,9,8,1,1,3"),
        box=lambda words: [float(each) for each in words[2:6]],
    ),
    "dota": RowLayout(
        label="val/labelTxt/a.txt",
        images=("val/images/a.png",),
        separator=" ",
        rows=("1 1 9 1 9 8 1 8 plane 0", "20 5 30 5 30 15 20 15 ship 1"),
        box=dota_box,
    ),
    "yolo": RowLayout(
        label="labels/a.txt",
        images=("images/a.jpg",),
        separator=" ",
        rows=("0 0.5 0.5 0.2 0.25", "1 0.2 0.2 0.1 0.1", "1 0.1 0.1 0.3 0.1 0.3 0.4"),
        box=yolo_box,
        others={"data.yaml": "names: [car, bus]"},
    ),
}


@pytest.mark.parametrize("layout", ROW_LAYOUTS)
@fuzzed(45)
@given(data=st.data())
def test_broken_rows_are_read_right_or_refused(scratch_folder, layout, data):
    """The right number of boxes, or a refusal that names the label file; nothing half written."""
    known = ROW_LAYOUTS[layout]
    rows = [row.split(known.separator) for row in known.rows]
    whole = "".join(f"{row}\n" for row in known.rows).encode()
    content = data.draw(
        st.one_of(broken_rows(rows, known.separator).map(str.encode), broken_bytes(whole))
    )
    folder = fresh(scratch_folder)
    known.write(folder, content)
    out = folder.with_suffix(".json")
    split = ("--split", "val") if layout == "dota" else ()
    done = call_here("data", "convert", layout, folder, out, *split)
    if right_or_refused(done, Path(known.label).name):
        assert len(json.loads(out.read_text())["annotations"]) == known.count_boxes(content)
    else:
        assert not out.exists()
        checked = call_here("data", "check", folder, "--layout", layout, *split)
        assert checked.returncode == 1, checked.stdout


NAMES = {"path": ".", "train": "images/train", "val": "images", "nc": 2, "names": {0: "a", 1: "b"}}


@fuzzed(30)
@given(tree=broken_trees(NAMES))
def test_broken_yolo_descriptions_are_read_right_or_refused(scratch_folder, tree):
    folder = fresh(scratch_folder)
    write_images(folder, "images/a.jpg")
    (folder / "labels").mkdir()
    (folder / "labels/a.txt").write_text("0 0.5 0.5 0.2 0.25\n")
    (folder / "data.yaml").write_text(yaml.safe_dump(tree, allow_unicode=True))
    out = folder / "out.json"
    done = call_here("data", "convert", "yolo", folder, out, "--split", "val")
    if right_or_refused(done, str(folder)):
        assert len(json.loads(out.read_text())["annotations"]) == 1
    else:
        assert not out.exists()


METRICS = {
    "ap.all": 0.3, "ap.50": 0.62, "loc.px.mean": 1.5, "loc.recall": 0.9,
    "latency.end_to_end.ratio": 1.2, "ap_class.1": 0.4,
    "meta": {"max_dets": [1, 100, 500], "protocol": "dense", "fingerprint": "f",
             "latency": {"intervals": {"end_to_end": [1.1, 1.3]}}},
}  # fmt: skip
GATE = {
    "source": "runs/a",
    "conditions": {"fingerprint": "f", "protocol": "dense"},
    "metrics": {
        "ap.50": {"value": 0.62, "absolute": 0.01},
        "loc.px.mean": {"value": 1.5, "relative": 0.05},
        "latency.end_to_end.ratio": {"value": 1.2, "factor": 1.1},
        "ap_class.1": {"value": 0.4, "absolute": 0.0},
    },
}


def guarded(folder, metrics, gate):
    """The gate's answer; a fall is an answer too, if it names what fell."""
    (folder / "metrics.json").write_bytes(metrics)
    (folder / "gate.yaml").write_bytes(gate)
    before = sorted(folder.iterdir())
    done = call_here("check", folder / "metrics.json", "--baseline", folder / "gate.yaml")
    assert sorted(folder.iterdir()) == before
    if done.returncode == 1:
        assert " failed" in done.stdout, (done.stdout, done.stderr)
        assert not done.stderr
        return "fell"
    held = right_or_refused(done, "metrics.json", "gate.yaml")
    return "held" if held else "refused"


def test_the_unbroken_gate_holds(scratch_folder):
    assert guarded(fresh(scratch_folder), dumped(METRICS), dumped(GATE)) == "held"


@fuzzed(50)
@given(metrics=json_files(METRICS))
def test_broken_metrics_are_read_right_or_refused(scratch_folder, metrics):
    if guarded(fresh(scratch_folder), metrics, dumped(GATE)) == "held":
        read = json.loads(metrics.decode("utf-8-sig"))
        now = {key: read[key] for key in GATE["metrics"]}
        assert now["ap.50"] >= 0.61 - 1e-9
        assert now["loc.px.mean"] <= 1.575
        assert now["ap_class.1"] >= 0.4
        assert not any(isinstance(each, bool) for each in now.values())


def yaml_files(tree):
    text = yaml.safe_dump(tree, allow_unicode=True, sort_keys=False)
    return st.one_of(
        broken_trees(tree).map(lambda each: yaml.safe_dump(each, allow_unicode=True).encode()),
        broken_bytes(text.encode()),
    )


@fuzzed(60)
@given(gate=yaml_files(GATE))
def test_broken_gates_are_read_right_or_refused(scratch_folder, gate):
    if guarded(fresh(scratch_folder), dumped(METRICS), gate) == "held":
        read = yaml.safe_load(gate.decode("utf-8-sig"))
        for limit in read["metrics"].values():
            (amount,) = (limit[key] for key in limit if key != "value")
            assert amount is True or 0 <= float(amount) < float("inf")


GRID = {
    "title": "A grid",
    "recipe": "quickstart_hrh_sco",
    "data": {"synth": {"images": 4, "seed": 0, "size": [96, 96]}},
    "seeds": [0, 1],
    "set": {"train_cfg.max_epochs": 1, "optim_wrapper.optimizer.lr": 0.001},
    "axes": {"heatmap_upsample_num": [1, 2], "center_source": ["sco", "peak_center"]},
    "exclude": [{"heatmap_upsample_num": 2, "center_source": "sco"}],
    "rows": [{"recipe": "quickstart_fcos", "label": "FCOS", "set": {"threads": 1}}],
}


@pytest.fixture(scope="module")
def load_recipe():
    """Recipes as they are, each read once."""
    import functools

    from hrhsco_cli.runs import recipe

    loaded = functools.cache(lambda name: recipe.load(recipe.find(name)))
    return lambda name: loaded(name).copy()


@fuzzed(60)
@given(content=yaml_files(GRID))
def test_broken_grids_are_read_right_or_refused(scratch_folder, load_recipe, monkeypatch, content):
    from hrhsco_cli.runs import recipe

    folder = fresh(scratch_folder)
    monkeypatch.chdir(folder)
    monkeypatch.setattr("hrhsco_cli.datasets.scenes.render_dataset", lambda *_, **__: True)
    path = folder / "grid.yaml"
    path.write_bytes(content)
    try:
        grid = read_grid(path)
        make_data_finder(grid, None)(grid.trials[0])
        for spec in grid.trials:
            recipe.override(load_recipe(spec.recipe), spec.settings)
    except InputError as error:
        assert "\n" not in str(error)
    else:
        assert len({trial.name for trial in grid.trials}) == len(grid.trials) > 0
    assert [each.name for each in folder.iterdir()] == ["grid.yaml"]
