"""Fifteen real kinds of input, made small, that went wrong once: each comes out as is right."""

import json

import cv2
import numpy as np
import pytest
from PIL import Image

from hrhsco_cli.datasets.coco_json import read_ground_truth
from tests.helpers.calling import assert_refused, call_here, hrhsco

SIZE = (128, 96)
TILES = ("--size", "96x96", "--overlap", 32)
DETECTION = [{"image_id": 1, "category_id": 1, "bbox": [10, 10, 6, 6], "score": 0.5}]


def image(path, pixels=None):
    path.parent.mkdir(parents=True, exist_ok=True)
    if pixels is None:
        seed = sum(path.name.encode())  # no two images of a test are alike
        pixels = np.random.default_rng(seed).integers(0, 256, (*SIZE[::-1], 3), np.uint8)
    assert cv2.imwrite(str(path), pixels)


def text(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    return path


def coco(path, file_name="a.png", size=SIZE, category_id=1, names=((1, "car"),), annotations=()):
    rows = [{"id": 1, "image_id": 1, "category_id": category_id, "bbox": [10, 10, 6, 6]}]
    content = {
        "images": [{"id": 1, "file_name": file_name, "width": size[0], "height": size[1]}],
        "annotations": [*rows, *annotations],
        "categories": [{"id": number, "name": name} for number, name in names],
    }
    return text(path, json.dumps(content))


def data_folder(folder, suffix="png", **options):
    for split in ("train", "val"):
        coco(folder / f"{split}.json", f"{split}.{suffix}", **options)
        image(folder / f"images/{split}.{suffix}")
    return folder


def results(folder):
    return text(folder / "det.json", json.dumps(DETECTION))


def trained(data, out, *words):
    return hrhsco(
        "train",
        "quickstart_baseline",
        "--data",
        data,
        "--epochs",
        1,
        "--device",
        "cpu",
        "--out",
        out,
        *words,
    )


def done(*words):
    finished = call_here(*words)
    assert finished.returncode == 0, finished.stderr
    return finished


@pytest.mark.slow
def test_a_visdrone_region_that_covers_nothing_is_left_out_and_the_set_trains(tmp_path):
    for split in ("train", "val"):
        folder = tmp_path / f"raw/VisDrone2019-DET-{split}"
        image(folder / f"images/{split}.jpg")
        text(folder / f"annotations/{split}.txt", "10,10,5,6,1,4,0,0\n60,37,3,0,0,0,0,0\n")
    said = done("data", "convert", "visdrone", tmp_path / "raw", tmp_path / "out").stderr
    assert said.count("1 empty ignore region left out") == 2
    assert "error" not in done("data", "check", tmp_path / "out").stdout.split()
    assert read_ground_truth(tmp_path / "out/train.json").ignore_regions.empty
    finished = trained(tmp_path / "out", tmp_path / "run")
    assert finished.returncode == 0, finished.stderr


@pytest.mark.parametrize("name", ["../../pics/{}.png", "{root}/pics/{}.png"])
@pytest.mark.parametrize("command", ["tiles", "crops"])
def test_what_is_written_lies_inside_the_output_folder(tmp_path, name, command):
    source = tmp_path / "src"
    (source / "images").mkdir(parents=True)
    for split in ("train", "val"):
        coco(source / f"{split}.json", name.format(split, root=tmp_path))
        image(tmp_path / f"pics/{split}.png")
    out = tmp_path / "other/out"
    before = set(tmp_path.rglob("*"))
    options = TILES if command == "tiles" else ("--min-side", 0)
    done("data", command, source, out, *options, "--splits", "train")
    new = set(tmp_path.rglob("*")) - before
    assert all(path == out.parent or path.is_relative_to(out) for path in new)
    for split in ("train", "val"):
        listed = read_ground_truth(out / f"{split}.json").images["file_name"]
        assert all((out / "images" / each).resolve().is_relative_to(out) for each in listed)
        assert all((out / "images" / each).is_file() for each in listed)
    assert "error" not in call_here("data", "check", out).stdout.split()[:1]


def test_tiles_of_16_bits_hold_what_the_loader_sees(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 65536, SIZE[::-1], np.uint16)
    coco(tmp_path / "src/val.json")
    image(tmp_path / "src/images/a.png", pixels)
    done("data", "tiles", tmp_path / "src", tmp_path / "out", *TILES, "--splits", "val")
    tile = np.asarray(Image.open(tmp_path / "out/images/a_tile1.png").convert("RGB"))
    seen = cv2.imread(str(tmp_path / "src/images/a.png"), cv2.IMREAD_COLOR)
    assert (tile[..., ::-1] == seen[:, :96]).all()
    assert 100 < tile.mean() < 150


def test_boxes_of_a_turned_image_lie_in_the_turned_image(tmp_path):
    exif = Image.Exif()
    exif[274] = 6
    for split in ("train", "val"):
        path = tmp_path / f"raw/images/{split}/{split}.jpg"
        path.parent.mkdir(parents=True)
        shade = (9 if split == "val" else 99,) * 3
        Image.new("RGB", (160, 64), shade).save(path, exif=exif)  # seen 64 wide and 160 high
        text(tmp_path / f"raw/labels/{split}/{split}.txt", "0 0.78125 0.775 0.125 0.05\n")
    text(tmp_path / "raw/data.yaml", "names: [car]\n")
    done("data", "convert", "yolo", tmp_path / "raw", tmp_path / "out")
    truth = read_ground_truth(tmp_path / "out/train.json")
    assert truth.images[["width", "height"]].to_numpy().tolist() == [[64, 160]]
    assert truth.boxes[["x", "y", "w", "h"]].to_numpy()[0] == pytest.approx([46, 120, 8, 8])
    checked = done("data", "check", tmp_path / "out").stdout
    assert "image turned by EXIF" in checked
    # Boxes in the frame of the header, as some tools write them, don't fit what is trained on.
    coco(tmp_path / "wrong/train.json", "train/train.jpg", size=(160, 64))
    (tmp_path / "wrong/images").symlink_to(tmp_path / "raw/images")
    wrong = call_here("data", "check", tmp_path / "wrong")
    assert wrong.returncode == 1
    assert "size differs from header" in wrong.stdout


def test_a_yolo_class_is_the_key_of_its_name(tmp_path):
    names = "".join(f"  '{number}': c{number}\n" for number in range(12))
    text(tmp_path / "raw/data.yaml", f"names:\n{names}")
    image(tmp_path / "raw/images/val/a.jpg")
    text(tmp_path / "raw/labels/val/a.txt", "10 .5 .5 .1 .1\n2 .25 .25 .05 .05\n")
    done("data", "convert", "yolo", tmp_path / "raw", tmp_path / "out.json", "--split", "val")
    truth = read_ground_truth(tmp_path / "out.json")
    name = dict(truth.categories.itertuples(index=False, name=None))
    assert [name[each] for each in truth.boxes["category_id"]] == ["c10", "c2"]


@pytest.mark.slow
def test_a_setting_is_read_as_people_write_numbers(tmp_path):
    data = data_folder(tmp_path / "data")
    key = "optim_wrapper.optimizer.lr"
    finished = trained(data, tmp_path / "run", "--set", f"{key}=1e-3")
    assert finished.returncode == 0, finished.stderr
    assert "lr=0.001" in (tmp_path / "run/recipe.py").read_text()
    for wrong in ("fast", "true", "1e-3x", ".nan", "1e999", "null", "[1]"):
        assert_refused(trained(data, tmp_path / "none", "--set", f"{key}={wrong}"), key, "number")
        assert not (tmp_path / "none").exists()


@pytest.mark.parametrize(
    ("wrong", "near"),
    [
        ("epochs=3", "train_cfg.max_epochs"),
        ("optim_wrapper.optimizerr.lr=1", "optim_wrapper.optimizer"),
        ("train_pipeline=[]", "train_dataloader.dataset.pipeline"),
    ],
)
def test_a_setting_that_nothing_reads_is_refused_with_the_nearest_key(tmp_path, wrong, near):
    data = data_folder(tmp_path / "data")
    assert_refused(trained(data, tmp_path / "run", "--set", wrong), wrong.partition("=")[0], near)
    assert not (tmp_path / "run").exists()


def test_a_size_that_is_not_stated_is_told_by_all(tmp_path):
    data = data_folder(tmp_path / "data", size=(None, None))
    given = ("--predictions", results(tmp_path), "--annotations", data / "val.json")
    assert_refused(call_here("evaluate", *given), "val.json", "images[0].width")
    checked = call_here("data", "check", data / "val.json")
    assert checked.returncode == 1
    assert "images[0]: width" in checked.stdout
    assert_refused(trained(data, tmp_path / "run"), "train.json", "images[0].width")
    assert not (tmp_path / "run").exists()


def test_category_ids_may_be_text_everywhere(tmp_path):
    data = data_folder(tmp_path / "data", category_id="1", names=(("1", "car"), ("b", "bus")))
    done("data", "check", data)
    finished = trained(data, tmp_path / "run", "--set", "model.test_cfg.score_thr=0")
    assert finished.returncode == 0, finished.stderr
    found = json.loads((tmp_path / "run/detections.json").read_text())
    assert {each["category_id"] for each in found} <= {"1", "b"}
    metrics = json.loads((tmp_path / "run/metrics.json").read_text())
    assert {"ap_class.1", "ap_class.b"} <= metrics.keys()
    done("data", "tiles", data, tmp_path / "tiles", *TILES)
    done("oracle", data / "val.json", "--depths", 1)
    done("predict", tmp_path / "run", data / "images", "--out", tmp_path / "predicted")


@pytest.mark.parametrize("names", [("[/car]",), ("car [parked]", "car [moving]"), ("a\x1b[31mb",)])
def test_names_are_printed_as_they_are(tmp_path, names):
    annotations = coco(tmp_path / "val.json", names=list(enumerate(names, start=1)))
    out = tmp_path / "metrics.json"
    shown = done(
        "evaluate", "--predictions", results(tmp_path), "--annotations", annotations, "--json", out
    ).stdout
    for name in names:
        assert f"AP {name}".replace("\x1b", "\\x1b") in shown
    assert "\x1b" not in shown
    assert json.loads(out.read_text())["ap_class.1"] == pytest.approx(1)


def test_names_don_t_need_the_terminals_encoding(tmp_path, monkeypatch):
    """A new process, since the encoding of its output is chosen when it starts."""
    from tests.helpers.calling import hrhsco_cold

    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    annotations = coco(tmp_path / "车.json", names=[(1, "汽车")])
    finished = hrhsco_cold(
        "evaluate", "--predictions", results(tmp_path), "--annotations", annotations
    )
    assert finished.returncode == 0, finished.stderr
    assert "AP \\u6c7d\\u8f66" in finished.stdout


def test_two_categories_of_one_name_are_told_apart(tmp_path):
    other = {"id": 2, "image_id": 1, "category_id": 2, "bbox": [40, 40, 6, 6]}
    names = [(1, "car"), (2, "car")]
    annotations = coco(tmp_path / "val.json", names=names, annotations=[other])
    out = tmp_path / "metrics.json"
    shown = done(
        "evaluate", "--predictions", results(tmp_path), "--annotations", annotations, "--json", out
    ).stdout
    metrics = json.loads(out.read_text())
    assert (metrics["ap_class.1"], metrics["ap_class.2"]) == (pytest.approx(1), 0)
    assert "AP car (id 1)" in shown
    assert "AP car (id 2)" in shown
    image(tmp_path / "images/a.png")
    assert "class name twice" in done("data", "check", annotations).stdout


def test_a_label_file_of_another_encoding_is_named(tmp_path):
    image(tmp_path / "raw/val/images/P1.png")
    label = tmp_path / "raw/val/labelTxt/P1.txt"
    row = "10 10 20 10 20 20 10 20 plane 0\n"
    text(label, "")
    label.write_bytes("imagesource:Gefäß\n".encode("latin-1") + row.encode())
    convert = ("data", "convert", "dota", tmp_path / "raw", tmp_path / "out.json", "--split", "val")
    assert_refused(call_here(*convert), "P1.txt, line 1", "UTF-8")
    label.write_bytes(b"\xef\xbb\xbf" + f"imagesource:Gefäß\n{row}".encode())
    assert "1 box," in done(*convert).stderr


@pytest.mark.parametrize("tolerance", [".nan", "true", "'0.01'", "-1", "[1]", ".inf"])
def test_a_tolerance_that_is_no_number_is_refused(tmp_path, tolerance):
    metrics = text(tmp_path / "metrics.json", json.dumps({"ap.50": 0.0, "meta": {}}))
    gate = text(
        tmp_path / "gate.yaml", f"metrics:\n  ap.50: {{value: 0.9, absolute: {tolerance}}}\n"
    )
    assert_refused(call_here("check", metrics, "--baseline", gate), "gate.yaml", "ap.50")


def test_a_truncated_image_is_told_before_training(tmp_path):
    data = data_folder(tmp_path / "data", "jpg")
    path = data / "images/train.jpg"
    path.write_bytes(path.read_bytes()[:-300])
    assert_refused(trained(data, tmp_path / "run"), "train.jpg", "can't be read as an image")
    assert not (tmp_path / "run").exists()


def test_yolo_rows_in_pixels_are_refused(tmp_path):
    image(tmp_path / "raw/images/val/a.jpg")
    text(tmp_path / "raw/labels/val/a.txt", "0 64 48 12 9\n")
    text(tmp_path / "raw/data.yaml", "names: [car]\n")
    out = tmp_path / "out.json"
    finished = call_here("data", "convert", "yolo", tmp_path / "raw", out, "--split", "val")
    assert_refused(finished, "a.txt:1", "fractions")
    assert not out.exists()


def test_files_that_macos_leaves_are_passed_over(tmp_path):
    folder = tmp_path / "raw/VisDrone2019-DET-val"
    image(folder / "images/a.jpg")
    text(folder / "annotations/a.txt", "10,10,5,5,1,4,0,0\n")
    for name in ("images/._a.jpg", "annotations/._a.txt"):
        (folder / name).write_bytes(b"\x00\x05\x16\x07\x00\x02\x00\x00Mac OS X\xb0\xff")
    out = tmp_path / "out.json"
    done("data", "convert", "visdrone", tmp_path / "raw", out, "--split", "val")
    assert read_ground_truth(out).images["file_name"].tolist() == ["a.jpg"]
