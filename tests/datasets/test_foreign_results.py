"""Results as other tools write them: each row in its image and class, or a refusal."""

import gzip
import json

import pytest

from hrhsco_cli.datasets.coco_json import read_detections, read_ground_truth
from hrhsco_cli.datasets.foreign_results import ResultReading, read_foreign_detections
from reports.errors import InputError
from tests.helpers.calling import call_here

BOX = [10.0, 20.0, 8.0, 6.0]
CLASSES = {1: "car", 2: "bus"}


def write(path, value):
    text = json.dumps(value).encode()
    path.write_bytes(gzip.compress(text) if path.suffix == ".gz" else text)
    return path


@pytest.fixture
def read_truth(tmp_path):
    """Makes a ground truth of some images, by id and file name."""

    def read(images, classes=CLASSES):
        content = {
            "images": [
                {"id": number, "file_name": name, "width": 100, "height": 80}
                for number, name in images.items()
            ],
            "annotations": [],
            "categories": [{"id": number, "name": name} for number, name in classes.items()],
        }
        return read_ground_truth(write(tmp_path / "gt.json", content))

    return read


@pytest.fixture
def read_results(tmp_path):
    """Reads rows as a result file; what was matched, and what was told of it."""

    def read(rows, truth, name="dt.json", **reading):
        told = []
        path = write(tmp_path / name, rows)
        found = read_foreign_detections(path, truth, ResultReading(**reading), told.append)
        ids = list(zip(found["image_id"], found["category_id"], strict=True))
        return ids, found[["x", "y", "w", "h"]].to_numpy().tolist(), told

    return read


def ultralytics_old(stem, category):
    """Up to 8.3.0: digits become a number."""
    image_id = int(stem) if stem.isnumeric() else stem
    return {"image_id": image_id, "category_id": category, "bbox": BOX, "score": 0.87501}


def ultralytics_new(file_name, category):
    """With ``file_name``."""
    row = ultralytics_old(file_name.rpartition(".")[0], category)
    return {"image_id": row["image_id"], "file_name": file_name} | row


def sahi(image_id, category, name):
    return {
        "image_id": image_id,
        "bbox": BOX,
        "score": 0.6,
        "category_id": category,
        "category_name": name,
        "segmentation": [],
        "iscrowd": 0,
        "area": 48,
    }


def plain(image_id, category):
    """As mmdet's CocoMetric and detectron2's COCOEvaluator write them."""
    return {"image_id": image_id, "category_id": category, "bbox": BOX, "score": 0.5}


def roboflow(image_path, name):
    return {
        "predictions": [
            {
                "x": 14.0,
                "y": 23.0,
                "width": 8.0,
                "height": 6.0,
                "confidence": 0.8,
                "class": name,
                "class_id": 0,
                "detection_id": "5f0a",
                "image_path": image_path,
                "prediction_type": "ObjectDetectionModel",
            }
        ],
        "image": {"width": "100", "height": "80"},
    }


FILES = {7: "a.jpg", 320: "b.jpg", 9: "00320.jpg"}
READABLE = {
    "ultralytics, stems": ([ultralytics_old("a", 1)], {}, [(7, 1)], "stem"),
    "ultralytics, from 0": (
        [ultralytics_old("b", 0)], {"category_offset": 1}, [(320, 1)], "shifted by +1"
    ),
    "ultralytics, file_name": ([ultralytics_new("00320.jpg", 2)], {}, [(9, 2)], "file_name"),
    "sahi": ([sahi(7, 0, "car"), sahi(9, 1, "bus")], {}, [(7, 1), (9, 2)], "classes matched by"),
    "mmdet": ([plain(7, 2), plain(9, 1)], {}, [(7, 2), (9, 1)], None),
    "detectron2, from 0": ([plain(7, 0)], {"category_offset": 1}, [(7, 1)], "shifted"),
    "detectron2, file names as ids": ([plain("a.jpg", 1)], {}, [(7, 1)], "stem"),
    "roboflow, one image": (roboflow("photos/a.jpg", "bus"), {}, [(7, 2)], "by name"),
    "roboflow, images": (
        [roboflow("a.jpg", "bus"), roboflow("b.jpg", "car")], {}, [(7, 2), (320, 1)], "file_name"
    ),
}  # fmt: skip


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("tool", READABLE)
def test_each_row_of_a_tool_comes_to_its_image_and_class(read_truth, read_results, tool, packed):
    rows, reading, expected, told = READABLE[tool]
    name = "dt.json.gz" if packed else "dt.json"
    ids, boxes, lines = read_results(rows, read_truth(FILES), name, **reading)
    assert ids == expected
    assert boxes == [BOX] * len(expected)
    assert len(lines) == (told is not None)
    assert not told or (told in lines[0] and name in lines[0])


def test_results_by_the_annotations_own_ids_are_read_as_ever(read_truth, tmp_path):
    truth = read_truth(FILES)
    path = write(tmp_path / "dt.json", [plain(7, 2), plain(320, 1)])
    told = []
    found = read_foreign_detections(path, truth, tell=told.append)
    assert found.equals(read_detections(path, truth))
    assert found.dtypes.equals(read_detections(path, truth).dtypes)
    assert not told


def test_text_of_digits_is_the_name_of_a_file_and_no_number(read_truth, read_results):
    ids, _, _ = read_results([plain("00320", 1)], read_truth(FILES))
    assert ids == [(9, 1)]
    with pytest.raises(InputError, match="'320'"):
        read_results([plain("320", 1)], read_truth(FILES))


def test_a_number_that_may_be_an_id_or_a_name_is_refused_until_it_is_said(read_truth, read_results):
    truth = read_truth({320: "00009.jpg", 9: "00320.jpg"})
    rows = [ultralytics_old("00320", 1)]
    with pytest.raises(InputError, match=r"320 is the id of 00009\.jpg .*--image-ids id or"):
        read_results(rows, truth)
    assert read_results(rows, truth, image_ids="id")[0] == [(320, 1)]
    assert read_results(rows, truth, image_ids="stem")[0] == [(9, 1)]


def test_numbers_that_are_not_all_ids_are_names(read_truth, read_results):
    truth = read_truth({number + 1: f"{number:05d}.png" for number in range(5)})
    ids, _, (line,) = read_results([plain(number, 1) for number in (0, 3)], truth)
    assert ids == [(1, 1), (4, 1)]
    assert "stem" in line


def test_a_file_that_two_images_are_called_by_is_refused(read_truth, read_results):
    truth = read_truth({1: "day/a.jpg", 2: "night/a.jpg"})
    assert read_results([ultralytics_new("night/a.jpg", 1)], truth)[0] == [(2, 1)]
    assert read_results([ultralytics_new("/data/day/a.jpg", 1)], truth)[0] == [(1, 1)]
    for rows in ([ultralytics_new("a.jpg", 1)], [ultralytics_old("a", 1)]):
        with pytest.raises(InputError, match=r"may be day/a\.jpg and night/a\.jpg"):
            read_results(rows, truth)


def test_a_suffix_may_differ(read_truth, read_results):
    assert read_results([ultralytics_new("a.png", 1)], read_truth(FILES))[0] == [(7, 1)]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([plain(7, 1), plain(5000, 1)], r"image ids 7 to 5000, the ground truth 7 to 320"),
        ([plain("z", 1)], "has image_id 'z'"),
        ([plain(7, 0), plain(7, 1)], r"ids 0 to 1, the ground truth 1 to 2; --category-offset 1"),
        ([plain(7, 90)], "category ids 90, the ground truth 1 to 2$"),
        ([sahi(7, 0, "lorry")], "category id 0 is none"),
        (roboflow("z.jpg", "car"), r"no image of the ground truth is called 'z\.jpg'"),
        (roboflow("a.jpg", "lorry"), r"class 'lorry' is not one class .*car, bus"),
        ({"images": []}, "lacks predictions"),
        ([{"predictions": [{"x": 1}]}], r"\[0\]\.predictions\[0\]: lacks"),
    ],
)
def test_what_fits_nothing_is_told_with_both_ranges(read_truth, read_results, rows, message):
    with pytest.raises(InputError, match=message):
        read_results(rows, read_truth(FILES))


@pytest.mark.parametrize("image_ids", ["id", "stem"])
def test_rows_without_an_id_go_by_their_file_whatever_ids_are(read_truth, read_results, image_ids):
    rows = roboflow("a.jpg", "bus")
    assert read_results(rows, read_truth(FILES), image_ids=image_ids)[0] == [(7, 2)]


def test_an_empty_file_of_results_is_an_answer(read_truth, read_results):
    assert read_results([], read_truth(FILES)) == ([], [], [])


@pytest.fixture
def scored_files(tmp_path):
    """Annotations of one object, and Ultralytics' results that find it: classes from 0, packed."""
    write(
        tmp_path / "gt.json",
        {
            "images": [{"id": 1, "file_name": "a.jpg", "width": 100, "height": 80}],
            "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": BOX}],
            "categories": [{"id": 1, "name": "car"}],
        },
    )
    write(tmp_path / "dt.json.gz", [ultralytics_old("a", 0)])
    return tmp_path


@pytest.mark.parametrize("command", ["evaluate", "compare"])
def test_commands_take_them_and_say_what_was_matched(scored_files, command):
    truth, found = scored_files / "gt.json", scored_files / "dt.json.gz"
    named = ["--predictions", found] if command == "evaluate" else [found, found]
    words = [command, *named, "--annotations", truth, "--json", scored_files / "out.json"]
    refused = call_here(*words)
    assert refused.returncode == 2
    assert "--category-offset 1" in refused.stderr
    done = call_here(*words, "--category-offset", 1)
    assert done.returncode == 0, done.stderr
    assert "matched by the stem of their file (1), category ids shifted by +1" in done.stdout
    if command == "evaluate":
        assert json.loads((scored_files / "out.json").read_text())["ap.50"] == pytest.approx(1)


def test_two_names_that_would_be_one_image_are_refused(read_truth, read_results):
    truth = read_truth({1: "seqA/0001.jpg", 2: "seqA/0002.jpg"})
    rows = [
        {"image_id": 7, "file_name": name, "category_id": 1, "bbox": BOX, "score": 0.5}
        for name in ("seqA/0001.jpg", "seqB/0001.jpg")
    ]
    with pytest.raises(InputError, match=r"seqA/0001\.jpg.*seqB/0001\.jpg.*both be the image 1"):
        read_results(rows, truth)


def test_a_damaged_archive_is_told_in_one_line(tmp_path, read_truth):
    path = write(tmp_path / "dt.json.gz", [{"image_id": 1}] * 99)
    content = bytearray(path.read_bytes())
    content[12:20] = b"\xff" * 8
    path.write_bytes(content)
    with pytest.raises(InputError):
        read_foreign_detections(path, read_truth({1: "a.jpg"}), ResultReading(), print)
