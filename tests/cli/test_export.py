"""``hrhsco export`` on a real run: written where it agrees with torch, else not."""

import functools
import json

import numpy as np
import onnxruntime
import pytest
from typer.testing import CliRunner

from hrhsco_cli.main import app
from reports.errors import InputError
from tests.helpers.calling import assert_refused, hrhsco


@pytest.mark.slow
def test_a_run_is_exported_and_a_planted_difference_found(run, tmp_path, monkeypatch):
    from hrhsco_cli.runs.registration import register

    register()
    from hrhsco_cli.export import exporting

    built = functools.cache(lambda: exporting_to_onnx(*first))
    exporting_to_onnx, first = exporting.convert_to_onnx, []

    def once(*arguments):
        first[:] = first or arguments
        return built()

    monkeypatch.setattr(exporting, "convert_to_onnx", once)
    out, told = tmp_path / "model.onnx", tmp_path / "model.json"
    call = ["export", str(run), str(out), "--json", str(told), "--dynamic", "--images", "2"]
    done = CliRunner().invoke(app, call)
    assert done.exit_code == 0, done.output
    result = json.loads(told.read_text())
    assert result["images"] == "test set"
    assert len(result["differences"]) == 3  # the images' own size and two others
    assert max(each["box_px"] for each in result["differences"]) <= 1e-3
    assert result["bytes"] == out.stat().st_size

    session = onnxruntime.InferenceSession(str(out))
    about = session.get_modelmeta().custom_metadata_map
    assert json.loads(about["classes"]) == ["vehicle", "tank", "plane"]
    assert about["center_source"] == "sco"
    assert json.loads(about["heatmap_stride"]) == 2.0
    _, scores, labels, count = session.run(None, {"image": np.zeros((1, 3, 50, 70), np.uint8)})
    assert (labels[0, : count[0]] < 3).all()
    assert (np.diff(scores[0, : count[0]]) <= 0).all()

    # The file decodes offsets, torch the middle of the cell: half a pixel apart on average.
    written = out.read_bytes()
    planted = CliRunner().invoke(app, [*call, "--set", "model.test_cfg.center_source=peak_center"])
    assert planted.exit_code == 1
    assert "was not written" in planted.output
    assert json.loads(told.read_text())["holds"] is False
    assert out.read_bytes() == written
    assert {path.name for path in tmp_path.iterdir()} == {"model.onnx", "model.json"}


@pytest.mark.slow
def test_another_head(run, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    recipe = (run / "recipe.py").read_text()
    (other / "recipe.py").write_text(recipe.replace("'YOLCHead'", "'CenterNetHead'"))
    from hrhsco_cli.runs.registration import register

    register()
    from hrhsco_cli.export.exporting import ExportOptions, export_run
    from hrhsco_cli.runs.folder import RunFolder

    with pytest.raises(InputError, match="needs a YOLCHead; this run has a CenterNetHead"):
        export_run(RunFolder(other), tmp_path / "model.onnx", ExportOptions())
    assert {path.name for path in tmp_path.iterdir()} == {"other"}


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("model.onnx", {}, "is no run"),
        ("model.pt", {}, "no .onnx file name"),
        ("model.onnx", {"offsets": "some"}, "choose one of auto, sparse, dense"),
        ("model.onnx", {"pixels": "int4"}, "choose one of uint8, float32"),
        ("model.onnx", {"dynamic": True, "batch": 2}, "leave out --batch"),
    ],
)
def test_wrong_options(name, options, message, tmp_path):
    import heads.registered  # noqa: F401
    from hrhsco_cli.export.exporting import ExportOptions, export_run
    from hrhsco_cli.runs.folder import RunFolder

    with pytest.raises(InputError, match=message):
        export_run(RunFolder(tmp_path), tmp_path / name, ExportOptions(**options))
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_no_run(tmp_path):
    assert_refused(hrhsco("export", tmp_path, tmp_path / "model.onnx"), "is no run")


def test_a_missing_package(monkeypatch):
    import heads.registered  # noqa: F401
    from hrhsco_cli.export import writing

    monkeypatch.setattr(writing, "PACKAGES", ("onnx", "no_such_package"))
    with pytest.raises(InputError, match=r"no_such_package; run: uv pip install .*\[onnx\]"):
        writing.require_onnx()
