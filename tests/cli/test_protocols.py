"""``--protocol``: the name stands in files, tables and the gate, and two are never mixed."""

import json

import pytest

from tests.helpers.calling import assert_refused, hrhsco


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """One object that counts, one of VisDrone's rows of score 0, and a hit on each."""
    folder = tmp_path_factory.mktemp("scored")
    truth = {
        "images": [{"id": "a", "file_name": "a.png", "width": 99, "height": 99}],
        "annotations": [
            {"image_id": "a", "category_id": 1, "bbox": [60, 60, 10, 10]},
            {"image_id": "a", "category_id": 1, "bbox": [10, 15, 10, 10], "ignore": 1},
        ],
        "categories": [{"id": 1, "name": "car"}],
    }
    rows = [
        {"image_id": "a", "category_id": 1, "bbox": each["bbox"], "score": 0.5}
        for each in truth["annotations"]
    ]
    (folder / "gt.json").write_text(json.dumps(truth))
    (folder / "dt.json").write_text(json.dumps(rows))
    return folder


def evaluate(files, name, *options):
    out = files / f"{name}.json"
    done = hrhsco(
        "evaluate", "--predictions", files / "dt.json", "--annotations", files / "gt.json",
        "--json", out, *options,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(out.read_text()), done.stdout


def test_the_name_stands_beside_the_figures_and_two_are_not_mixed(files):
    dense, shown = evaluate(files, "dense")
    assert "protocol dense" in shown
    assert (dense["meta"]["protocol"], dense["meta"]["objects"]) == ("dense", 1)
    yolc, shown = evaluate(files, "yolc", "--protocol", "yolc")
    assert "protocol yolc" in shown
    assert (yolc["meta"]["protocol"], yolc["meta"]["objects"]) == ("yolc", 2)
    assert yolc["meta"]["max_dets"] == [100, 300, 1000]

    baseline = files / "baseline.yaml"
    made = hrhsco("check", files / "dense.json", "--baseline", baseline, "--update")
    assert made.returncode == 0, made.stderr
    assert "protocol: dense" in baseline.read_text()
    summary = files / "summary.md"
    held = hrhsco(
        "check", files / "dense.json", "--baseline", baseline, "--protocol", "dense",
        "--summary", summary,
    )  # fmt: skip
    assert held.returncode == 0, held.stderr
    assert "protocol dense" in held.stdout
    assert "protocol dense" in summary.read_text()
    assert_refused(hrhsco("check", files / "yolc.json", "--baseline", baseline), "max_dets is")
    assert_refused(
        hrhsco("check", files / "dense.json", "--baseline", baseline, "--protocol", "yolc"),
        "was scored by protocol dense, not yolc",
    )


def test_compare_and_oracle_take_it(files):
    detections, annotations = files / "dt.json", files / "gt.json"
    done = hrhsco(
        "compare", detections, detections, "--annotations", annotations, "--protocol", "visdrone",
        "--resamples", 100, "--json", files / "compared.json",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "protocol visdrone" in done.stdout
    compared = json.loads((files / "compared.json").read_text())
    assert compared["meta"]["protocol"] == "visdrone"
    assert compared["metrics"]["ap.50"]["a"] == pytest.approx(0.5)  # the excused row is missed
    done = hrhsco(
        "oracle", annotations, "--depths", 2, "--protocol", "coco", "--json", files / "top.json"
    )
    assert done.returncode == 0, done.stderr
    assert "protocol coco" in done.stdout
    meta = json.loads((files / "top.json").read_text())[0]["meta"]
    assert (meta["protocol"], meta["objects"]) == ("coco", 2)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--protocol", "voc"), "no protocol 'voc'; choose one of coco"),
        (("--protocol", "yolc", "--max-dets", "1,10"), "protocol yolc has its own maxDets"),
    ],
)
def test_what_is_refused(files, options, told):
    done = hrhsco(
        "evaluate", "--predictions", files / "dt.json", "--annotations", files / "gt.json", *options
    )
    assert_refused(done, told)
