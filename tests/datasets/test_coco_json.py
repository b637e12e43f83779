"""Reading COCO: what is allowed, and one line for everything else."""

import json

import pytest

from hrhsco_cli.datasets.coco_json import read_detections, read_ground_truth
from reports.errors import InputError


def content(**changes):
    """A set with string image ids, an annotation id of 0, a gap in categories, an empty image."""
    base = {
        "images": [
            {"id": "a", "file_name": "a.png", "width": 50, "height": 40},
            {"id": "b", "file_name": "b.png", "width": 50, "height": 40},
        ],
        "annotations": [
            {"id": 0, "image_id": "a", "category_id": 7, "bbox": [1.5, 2, 3, 4]},
            {
                "id": 1,
                "image_id": "a",
                "category_id": 2,
                "bbox": [5, 5, 9, 9],
                "iscrowd": 1,
                "area": 70,
            },
        ],
        "categories": [{"id": 7, "name": "car"}, {"id": 2, "name": "bus"}],
    }
    return base | changes


def write(path, value):
    path.write_text(json.dumps(value))
    return path


def test_what_coco_allows_is_read(tmp_path):
    truth = read_ground_truth(write(tmp_path / "gt.json", content()))
    assert truth.images["image_id"].tolist() == ["a", "b"]
    assert truth.categories["name"].tolist() == ["bus", "car"]
    assert truth.boxes["area"].tolist() == [12, 70]
    assert truth.boxes["iscrowd"].tolist() == [False, True]
    assert truth.boxes["ann_id"].tolist() == [0, 1]


def test_the_fingerprint_is_of_the_content(tmp_path):
    one = read_ground_truth(write(tmp_path / "one.json", content()))
    reordered = {key: content()[key] for key in ("categories", "images", "annotations")}
    assert read_ground_truth(write(tmp_path / "two.json", reordered)).fingerprint == one.fingerprint
    moved = content()
    moved["annotations"][0]["bbox"][0] = 1.25
    assert read_ground_truth(write(tmp_path / "three.json", moved)).fingerprint != one.fingerprint


def annotation(**changes):
    return content(
        annotations=[{"id": 4, "image_id": "a", "category_id": 7, "bbox": [1, 2, 3, 4]} | changes]
    )


def images(**changes):
    value = content()
    value["images"][0] |= changes
    return value | {"annotations": []}


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ([], "expected object, got array"),
        ({"images": []}, "lacks annotations"),
        (content() | {"images": {}}, "images: expected array, got object"),
        (content(categories=[]), "no categories"),
        (annotation(bbox=[1, 2, 0, 4]), "annotation 4 has a box of zero or negative size"),
        (annotation(bbox=[1, 2, -3, 4]), "zero or negative size"),
        (annotation(bbox=[1, 2, 3]), r"annotations\[0\]\.bbox: expected array of length 4"),
        (annotation(bbox=[1, 2, "3", 4]), r"annotations\[0\]\.bbox\[2\]: expected float, got str"),
        (annotation(bbox=[1, 2, True, 4]), "expected float, got bool"),
        (annotation(area=-1), "area: expected float >= 0"),
        (annotation(area="9"), "area: expected float"),
        (annotation(image_id=True), "image_id: expected int | float | str, got bool"),
        (annotation(image_id=1.5), "image_id is 1.5, no whole number"),
        (annotation(category_id="7"), "unknown category .it is there as another kind of id"),
        (images(width=None), r"images\[0\]\.width: expected"),
        (images(width=0), r"images\[0\]\.width: expected int >= 1"),
        (images(height="40"), "height: expected"),
        (images(height=40.5), "height is 40.5, no whole number"),
        (images(file_name=3), "file_name: expected str"),
        (images(file_name=""), "file_name names no file"),
        (images(id=1), "image ids are numbers and text"),
        (annotation(bbox=[1, 2, float("nan"), 4]), "may be NaN or infinity"),
        (annotation(bbox=[48, 2, 30, 4]), "reaches outside its image"),
        (annotation(bbox=[-4, 2, 30, 4]), "reaches outside its image"),
        (annotation(image_id="z"), "unknown image"),
        (annotation(category_id=1), "unknown category"),
        (content(images=content()["images"] * 2), "image id 'a' is there twice"),
        (content(annotations=content()["annotations"] * 2), "annotation id 0 is there twice"),
        (content(annotations=[{"id": 1}]), r"annotations\[0\]: lacks image_id"),
    ],
)
def test_wrong_annotations_are_told_in_one_line(tmp_path, value, message):
    path = write(tmp_path / "gt.json", value)
    with pytest.raises(InputError, match=message) as error:
        read_ground_truth(path)
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("once", "twice"),
    [
        ('"bbox": [5, 5, 9, 9]', '"bbox": [1, 1, 2, 2], "bbox": [5, 5, 9, 9]'),
        ('"iscrowd": 1', '"iscrowd": 0, "iscrowd": 1'),
        ('"width": 50', '"width": 50, "width": 50'),
        ('"categories": ', '"categories": [], "categories": '),
    ],
)
def test_a_key_that_stands_twice_is_refused(tmp_path, once, twice):
    path = tmp_path / "gt.json"
    path.write_text(json.dumps(content()).replace(once, twice, 1))
    key = once.partition(":")[0].strip('"')
    with pytest.raises(InputError, match=rf"gt\.json .*the key '{key}' stands twice in the object"):
        read_ground_truth(path)


def test_keys_of_licenses_and_of_other_parts_are_no_second_ones(tmp_path):
    value = content(licenses=[{"id": 1, "name": "free", "url": ""}], info={"images": 2, "id": 1})
    assert len(read_ground_truth(write(tmp_path / "gt.json", value)).boxes) == 2


def test_numbers_that_libraries_write_as_floats_and_flags_as_words(tmp_path):
    value = annotation(id=4.0, category_id=7.0, iscrowd=True)
    value["images"][0] |= {"width": 50.0}
    value["categories"][0] = {"id": 7.0, "name": 7}
    truth = read_ground_truth(write(tmp_path / "gt.json", value))
    (box,) = truth.boxes.itertuples(index=False)
    assert (box.ann_id, box.category_id, box.iscrowd) == (4, 7, True)
    assert truth.images["width"].tolist() == [50, 50]
    assert truth.categories["name"].tolist() == ["bus", "7"]


def test_text_of_another_encoding_is_told_with_its_line(tmp_path):
    text = json.dumps(content(), indent=0).replace("car", "Gefährt")
    (tmp_path / "bom.json").write_bytes(b"\xef\xbb\xbf" + text.encode())
    truth = read_ground_truth(tmp_path / "bom.json")
    assert "Gefährt" in truth.categories["name"].tolist()
    (tmp_path / "latin.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(InputError, match=r"latin\.json, line \d+: the text is not UTF-8"):
        read_ground_truth(tmp_path / "latin.json")


def test_missing_and_broken_files_are_told(tmp_path):
    with pytest.raises(InputError, match="no annotations at"):
        read_ground_truth(tmp_path / "none.json")
    (tmp_path / "broken.json").write_text('{"images": [')
    with pytest.raises(InputError, match=r"not valid JSON \(line 1"):
        read_ground_truth(tmp_path / "broken.json")


def detection(**changes):
    return {"image_id": "a", "category_id": 7, "bbox": [1, 2, 3, 4], "score": 0.5} | changes


def test_an_empty_result_list_is_an_answer(tmp_path):
    truth = read_ground_truth(write(tmp_path / "gt.json", content()))
    assert len(read_detections(write(tmp_path / "dt.json", []), truth)) == 0
    assert len(read_detections(write(tmp_path / "dt.json", [detection()]), truth)) == 1


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (detection(score=None), r"\[0\]\.score: expected float, got null"),
        (detection(score="0.5"), r"\[0\]\.score: expected float, got str"),
        (detection(score=True), r"\[0\]\.score: expected float, got bool"),
        (detection(score=float("nan")), "may be NaN or infinity"),
        (detection(bbox=[1, 2, -3, 4]), "zero or negative"),
        (detection(image_id="z"), "unknown image"),
        (detection(category_id=99), "unknown category"),
        ({"bbox": [1, 2, 3, 4]}, "lacks"),
    ],
)
def test_wrong_detections_are_told_in_one_line(tmp_path, row, message):
    truth = read_ground_truth(write(tmp_path / "gt.json", content()))
    with pytest.raises(InputError, match=message):
        read_detections(write(tmp_path / "dt.json", [row]), truth)


def test_results_may_carry_more_and_ids_may_be_of_either_kind(tmp_path):
    truth = read_ground_truth(write(tmp_path / "gt.json", content()))
    rows = [detection(segmentation={"counts": "x"}, id=7), detection(bbox=[1, 2, 3, 4.5])]
    found = read_detections(write(tmp_path / "dt.json", rows), truth)
    assert found["image_id"].tolist() == ["a", "a"]
    assert found.iloc[1][["x", "y", "w", "h"]].tolist() == [1, 2, 3, 4.5]


def test_a_wrong_row_is_told_with_its_place(tmp_path):
    truth = read_ground_truth(write(tmp_path / "gt.json", content()))
    broken = write(tmp_path / "dt.json", [detection(), detection(score="high")])
    with pytest.raises(InputError, match=r"no list of COCO results.*\[1\]\.score"):
        read_detections(broken, truth)


@pytest.mark.slow
def test_memory_stays_within_a_few_times_the_file(tmp_path):
    """Read 100 MB in a process of its own, with its peak memory before and after."""
    import subprocess
    import sys

    gt = write(tmp_path / "gt.json", content())
    row = json.dumps(detection())
    (tmp_path / "dt.json").write_text("[" + ",".join([row] * (100_000_000 // len(row))) + "]")
    program = (
        "import resource, sys; from pathlib import Path\n"
        "from hrhsco_cli.datasets.coco_json import read_detections, read_ground_truth\n"
        "truth = read_ground_truth(Path(sys.argv[1]))\n"
        "peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "before = peak(); found = read_detections(Path(sys.argv[2]), truth)\n"
        "print(len(found), (peak() - before) * 1024)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, gt, tmp_path / "dt.json"],
        capture_output=True,
        text=True,
        check=True,
    )
    rows, grown = map(int, done.stdout.split())
    assert rows == 100_000_000 // len(row)
    assert grown < 800_000_000
