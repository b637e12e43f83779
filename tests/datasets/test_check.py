"""``hrhsco data check`` tells everything at once: each kind is planted, and only it is found."""

import json

import pytest
from PIL import Image

from hrhsco_cli.datasets.check import check_coco, check_layout
from reports.dataset_check import KINDS
from reports.errors import InputError
from tests.helpers import published
from tests.helpers.calling import call_here
from tests.helpers.published import text, write_image

KINDS_BETWEEN = {"image in both files", "class in one file only"}


def content():
    names = ("a.png", "b.png", "c.jpg")
    return {
        "images": [
            {"id": i, "file_name": name, "width": 50, "height": 40} for i, name in enumerate(names)
        ],
        "annotations": [
            {"id": i, "image_id": i, "category_id": 1, "bbox": [5, 6, 7, 8]} for i in range(3)
        ],
        "categories": [{"id": 1, "name": "car"}],
    }


@pytest.fixture
def clean_folder(tmp_path):
    """A clean data folder."""
    for shade, name in enumerate(("a.png", "b.png", "c.jpg")):
        write_image(tmp_path / "images" / name, (50, 40), shade)
    write_image(tmp_path / "images" / "val.png", (50, 40), 50)
    write(tmp_path, content())
    val = content()
    val["images"] = [{"id": 0, "file_name": "val.png", "width": 50, "height": 40}]
    val["annotations"] = val["annotations"][:1]
    (tmp_path / "val.json").write_text(json.dumps(val))
    return tmp_path


def write(folder, value):
    (folder / "train.json").write_text(json.dumps(value))


def problems(found):
    return {(row.severity, row.problem): row.count for row in found.itertuples()}


def test_a_clean_folder_has_no_problems(clean_folder):
    assert check_coco(clean_folder).empty
    done = call_here("data", "check", clean_folder)
    assert (done.returncode, done.stdout) == (0, "no problems found\n")


def cut_off(folder, _):
    path = folder / "images/c.jpg"
    path.write_bytes(path.read_bytes()[:-200])


def turned(folder, _):
    exif = Image.Exif()
    exif[274] = 3
    Image.new("RGB", (50, 40), (9, 9, 9)).save(folder / "images/c.jpg", exif=exif)


def same_image(folder, name):
    (folder / "images" / name).write_bytes((folder / "images/a.png").read_bytes())


def changed(part, index, **values):
    return lambda _, coco: coco[part][index].update(values)


def annotation(**values):
    return lambda _, coco: coco["annotations"].append(
        {"id": 9, "image_id": 1, "category_id": 1, "bbox": [9, 9, 4, 4]} | values
    )


PLANTED = {
    "unreadable row or file": lambda _, coco: coco["images"].append({"id": 4}),
    "missing image": lambda folder, _: (folder / "images/b.png").unlink(),
    "unreadable image": cut_off,
    "size differs from header": changed("images", 1, width=51),
    "image id twice": lambda _, coco: coco["images"].append(coco["images"][0]),
    "annotation id twice": annotation(id=0),
    "category id twice": lambda _, coco: coco["categories"].append({"id": 1, "name": "car"}),
    "class name twice": lambda _, coco: coco["categories"].append({"id": 2, "name": "car"}),
    "unknown image": annotation(image_id="none"),
    "unknown category": annotation(category_id=5),
    "box of no numbers": annotation(bbox=[1, 2, "3", None]),
    "zero or negative size": annotation(bbox=[9, 9, 0, 4]),
    "box outside its image": annotation(bbox=[40, 9, 11, 4]),
    "box at the border": annotation(bbox=[40, 9, 10, 4]),
    "box twice": annotation(image_id=0, bbox=[5, 6, 7, 8]),
    "image twice": lambda folder, _: same_image(folder, "b.png"),
    "image turned by EXIF": turned,
    "image without boxes": lambda _, coco: coco["annotations"].pop(),
    "image in both files": lambda folder, _: same_image(folder, "val.png"),
    "class in one file only": changed("categories", 0, name="cat"),
}
BESIDE = {
    "image id twice": {"image twice"},
    "category id twice": {"class name twice"},
    "class name twice": {"class without boxes", "class in one file only"},
}
"""What else the planted fault is: an image listed twice is the same image twice."""

NOT_PLANTED = {"no images", "no classes", "box beyond scoring", "class without boxes"}


def test_every_kind_is_planted():
    assert {kind.problem for kind in KINDS} | KINDS_BETWEEN == PLANTED.keys() | NOT_PLANTED


@pytest.mark.parametrize("problem", PLANTED)
def test_each_planted_problem_is_found_and_nothing_else(clean_folder, problem):
    coco = content()
    PLANTED[problem](clean_folder, coco)
    write(clean_folder, coco)
    found = check_coco(clean_folder)
    assert set(found["problem"]) == {problem} | BESIDE.get(problem, set())
    (row,) = [row for row in found.itertuples() if row.problem == problem]
    assert len(row.examples) == row.count or row.problem == "class in one file only"


def test_all_problems_come_in_one_go_errors_first(clean_folder, tmp_path):
    coco = content()
    (clean_folder / "images/b.png").unlink()
    coco["annotations"] += [
        {"id": 0, "image_id": 0, "category_id": 1, "bbox": [-9, 0, 20, 5]},
        {"id": 5, "image_id": 7, "category_id": 1, "bbox": [1, 1, 2, 2]},
        {"id": 6, "image_id": 2, "category_id": 2, "bbox": [1, 1, 0, 2]},
    ]
    coco["categories"].append({"id": 3, "name": "bus"})
    write(clean_folder, coco)
    (clean_folder / "val.json").write_text("{broken")
    done = call_here("data", "check", clean_folder, "--json", tmp_path / "found.json")
    assert done.returncode == 1, done.stderr
    found = json.loads((tmp_path / "found.json").read_text())
    kinds = [(each["problem"], each["file"]) for each in found]
    assert {
        ("missing image", "train.json"),
        ("annotation id twice", "train.json"),
        ("unknown image", "train.json"),
        ("unknown category", "train.json"),
        ("zero or negative size", "train.json"),
        ("box outside its image", "train.json"),
        ("class without boxes", "train.json"),
        ("unreadable row or file", "val.json"),
    } <= set(kinds)
    severities = [each["severity"] for each in found]
    assert severities == sorted(severities)
    assert len(done.stdout.splitlines()) <= 40
    for each in found:
        assert each["problem"] in done.stdout
    assert "b.png (id 1)" in done.stdout


@pytest.mark.parametrize("layout", published.TREES)
def test_a_published_tree_has_no_error(layout, tmp_path):
    published.TREES[layout](tmp_path)
    found = check_layout(layout, tmp_path, None)
    assert set(found["severity"]) <= {"warning"}
    single = check_layout(layout, tmp_path, "train")
    assert set(single["file"]) <= {"train"}


def test_a_damaged_copy_of_a_published_tree_is_told(tmp_path):
    published.visdrone(tmp_path)
    train, val = tmp_path / "VisDrone2019-DET-train", tmp_path / "VisDrone2019-DET-val"
    write_image(train / "images/lost.jpg", shade=77)
    (val / "images/0000002_00005_d_0000014.jpg").unlink()
    text(train / "annotations/0000009.txt", "1,2,3", "90,70,20,5,1,4,0,0")
    write_image(train / "images/0000009.jpg", shade=78)
    done = call_here("data", "check", tmp_path, "--layout", "visdrone")
    assert done.returncode == 1, done.stderr
    assert "lost.jpg has no annotation file" in done.stdout
    assert "0000009.txt:1: '1,2,3' is not 8 numbers" in done.stdout
    counts = problems(check_layout("visdrone", tmp_path, None))
    assert counts["error", "unreadable row or file"] == 2
    assert counts["error", "missing image"] == 1
    assert counts["warning", "box outside its image"] == 1  # convert clips it


def test_real_sets_have_warnings_alone(shared_data):
    for name in ("kit_ais_vehicles", "visdrone_sample"):
        assert set(check_coco(shared_data / name)["severity"]) == {"warning"}
    counts = problems(check_layout("yolo", shared_data / "kit_ais_vehicles", None))
    assert counts["warning", "box outside its image"] == 3
    boxes = shared_data / "visdrone_val_boxes/VisDrone2019-DET_val_boxes.json.gz"
    assert problems(check_coco(boxes))["error", "missing image"] == 548


def test_wrong_calls_are_refused(tmp_path):
    with pytest.raises(InputError, match=r"no train\.json.*--layout"):
        check_coco(tmp_path)
    with pytest.raises(InputError, match="no annotations at"):
        check_coco(tmp_path / "none.json")
    with pytest.raises(InputError, match="no layout 'voc'"):
        check_layout("voc", tmp_path, None)
    with pytest.raises(InputError, match="no split in"):
        check_layout("visdrone", tmp_path, None)
    refusal = call_here("data", "check", tmp_path, "--split", "val")
    assert refusal.returncode == 2
    assert "--split goes with --layout" in refusal.stderr
