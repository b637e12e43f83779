"""``hrhsco doctor`` names what is missing and the step that mends it."""

import pytest

from hrhsco_cli.runs import diagnosis


def find(what):
    return next(each for each in diagnosis.diagnose() if each.what == what)


@pytest.mark.parametrize(
    ("library", "package"), [("libGL.so.1", "libgl1"), ("libgomp.so.1", "libgomp1")]
)
def test_a_missing_system_library_is_named_with_its_package(library, package):
    error = ImportError(f"{library}: cannot open shared object file: No such file or directory")
    found = diagnosis.explain("cv2", error)
    assert found.found == f"the system library {library} is missing"
    assert f"apt-get install {package} " in found.mend


def test_an_unknown_system_library_is_named():
    error = OSError("libodd.so.7: cannot open shared object file: No such file or directory")
    assert "libodd.so.7" in diagnosis.explain("torch", error).mend


def test_another_import_error_is_told_as_it_is():
    found = diagnosis.explain("torch", ImportError("no module named torch"))
    assert "no module named torch" in found.found
    assert found.mend == diagnosis.INSTALL_AGAIN


def test_the_desktop_build_of_opencv_is_to_be_replaced(monkeypatch):
    versions = {"opencv-python": "4.12.0.88", "opencv-python-headless": "4.12.0.88"}
    monkeypatch.setattr(diagnosis, "_version", versions.get)
    found = find("opencv-python-headless")
    assert "desktop" in found.found
    assert "uninstall opencv-python" in found.mend


def test_missing_shared_memory_is_found(monkeypatch):
    monkeypatch.setattr(diagnosis.os, "access", lambda *_: False)
    assert "/dev/shm" in find("shared memory").mend


def test_what_breaks_an_import_is_told_once(monkeypatch):
    def fail(module):
        raise ImportError("libGL.so.1: cannot open shared object file: No such file or directory")

    monkeypatch.setattr(diagnosis.importlib, "import_module", fail)
    broken = [each for each in diagnosis.diagnose() if each.mend]
    assert [each.found for each in broken] == ["the system library libGL.so.1 is missing"]
