"""Folders, patterns, lists and single files, and how images are numbered and named."""

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from hrhsco_cli.predict.inputs import find_images
from hrhsco_cli.predict.listing import identify_images, number_images
from reports.errors import InputError
from reports.frames import BOX_COLUMNS, GroundTruth


@pytest.fixture
def image_folder(tmp_path):
    for name in ("b.png", "a.jpg", "sub/c.png", "sub/a.jpg"):
        path = tmp_path / "photos" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.zeros((4, 5, 3), np.uint8)).save(path)
    (tmp_path / "photos" / "notes.md").write_text("no image")
    return tmp_path / "photos"


def names(found):
    return [each.name for each in found]


def test_a_folder_is_sorted_and_keeps_its_folders(image_folder):
    assert names(find_images([str(image_folder)])) == ["a.jpg", "b.png", "sub/a.jpg", "sub/c.png"]


def test_a_pattern_is_sorted_and_may_lead_deep(image_folder, monkeypatch):
    assert names(find_images([f"{image_folder}/*.png"])) == ["b.png"]
    monkeypatch.chdir(image_folder)
    assert names(find_images(["**/*.png"])) == ["b.png", "sub/c.png"]


def test_a_list_keeps_its_order_and_is_relative_to_itself(image_folder):
    frames = image_folder / "sub" / "frames.txt"
    frames.write_text(f"c.png\n\n../b.png\n{image_folder / 'sub' / 'a.jpg'}\n")
    assert names(find_images([str(frames)])) == ["sub/c.png", "b.png", "sub/a.jpg"]


def test_an_image_named_twice_is_taken_once(image_folder):
    words = [str(image_folder / "b.png"), f"{image_folder}/sub/../b.png", str(image_folder)]
    assert names(find_images(words)) == ["b.png", "a.jpg", "sub/a.jpg", "sub/c.png"]


@pytest.mark.parametrize(
    ("word", "content", "part"),
    [
        ("nowhere.png", None, "check the path"),
        ("*.bmp", None, "matches nothing"),
        ("empty", "", "holds no image"),
        ("broken.png", "not an image", "broken.png can't be read as an image"),
        ("list.txt", "a.jpg\nmissing.jpg\n", "line 2: no image missing.jpg"),
        ("list.txt", "\n", "lists no image"),
        ("list.txt", "notes.md\n", "notes.md can't be read as an image"),
    ],
)
def test_what_is_no_image_is_told(image_folder, word, content, part):
    if content == "":
        (image_folder / word).mkdir()
    elif content is not None:
        (image_folder / word).write_text(content)
    with pytest.raises(InputError, match=part.replace(".", r"\.")):
        find_images([str(image_folder / word)])


def test_drawings_of_images_that_differ_in_their_suffix_keep_it(image_folder, tmp_path):
    (image_folder / "a.png").write_bytes((image_folder / "b.png").read_bytes())
    listed = number_images(find_images([str(image_folder)]), tmp_path / "out")
    assert [each.image_id for each in listed] == [1, 2, 3, 4, 5]
    drawn = [each.figure.relative_to(tmp_path / "out").as_posix() for each in listed]
    assert drawn == ["a.jpg.png", "a.png.png", "b.png", "sub/a.png", "sub/c.png"]


def test_images_are_never_overwritten(image_folder):
    with pytest.raises(InputError, match="would overwrite"):
        number_images(find_images([str(image_folder)]), image_folder)


def truth(*file_names):
    images = pd.DataFrame(
        {"image_id": [f"id-{name}" for name in file_names], "file_name": file_names}
    ).assign(width=5, height=4)
    boxes = pd.DataFrame([[1, f"id-{file_names[0]}", 7, 1, 1, 2, 2, 4, False]], columns=BOX_COLUMNS)
    return GroundTruth(images, boxes, pd.DataFrame({"category_id": [7], "name": ["x"]}), "")


def test_annotations_give_ids_names_and_boxes(image_folder, tmp_path):
    listed = identify_images(
        find_images([str(image_folder)]), tmp_path, truth("sub/a.jpg", "a.jpg")
    )
    assert [(each.name, each.image_id) for each in listed] == [
        ("a.jpg", "id-a.jpg"),
        ("sub/a.jpg", "id-sub/a.jpg"),  # the longer of two names that end its path
    ]
    assert listed[0].truth.empty
    assert listed[1].truth[["x", "y", "w", "h"]].to_numpy().tolist() == [[1, 1, 2, 2]]


def test_annotations_of_other_images_are_told(image_folder, tmp_path):
    with pytest.raises(InputError, match="none of 4 images"):
        identify_images(find_images([str(image_folder)]), tmp_path, truth("z.jpg"))
    with pytest.raises(InputError, match="are both"):
        found = find_images([str(image_folder / "a.jpg"), str(image_folder / "sub" / "a.jpg")])
        identify_images(found, tmp_path, truth("a.jpg"))
