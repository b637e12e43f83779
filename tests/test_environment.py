"""What the README's commands install asks nothing of a desktop."""

import re
import sysconfig
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest
from elftools.common.exceptions import ELFError
from elftools.elf.dynamic import DynamicSection
from elftools.elf.elffile import ELFFile

SITE_PACKAGES = Path(sysconfig.get_path("platlib"))
DESKTOP = re.compile(
    r"lib(GL|GLX|GLU|EGL|OpenGL|X\w+|xcb|xkbcommon|wayland|SM|ICE|Qt|gtk|gdk|gthread|glib)[\w.+-]*"
    r"\.so(\.|$)"
)


def needed_libraries(path):
    """The shared libraries that a compiled module links to."""
    with path.open("rb") as file:
        if file.read(4) != b"\x7fELF":
            return []
        try:
            sections = [
                section
                for section in ELFFile(file).iter_sections()
                if isinstance(section, DynamicSection)
            ]
            return [
                tag.needed
                for section in sections
                for tag in section.iter_tags()
                if tag.entry.d_tag == "DT_NEEDED"
            ]
        except ELFError:
            return []


def asked_of_the_system(folder):
    """(module, library) for each library that no package of the environment brings itself."""
    files = [path for path in folder.rglob("*.so*") if path.is_file()]
    brought = {path.name for path in files}
    return [
        (path.name, library)
        for path in files
        for library in needed_libraries(path)
        if library not in brought
    ]


def test_no_compiled_module_links_to_a_desktop():
    asked = asked_of_the_system(SITE_PACKAGES)
    assert any(library.startswith("libc.so") for _, library in asked), "nothing was read"
    assert [pair for pair in asked if DESKTOP.match(pair[1])] == []


def test_opencv_is_the_headless_build_alone():
    assert version("opencv-python-headless")
    for other in ("opencv-python", "opencv-contrib-python"):
        with pytest.raises(PackageNotFoundError):
            version(other)


@pytest.mark.parametrize(
    ("library", "is_desktop"),
    [
        ("libGL.so.1", True),
        ("libQt5Core.so.5", True),
        ("libX11.so.6", True),
        ("libxcb.so.1", True),
        ("libgtk-3.so.0", True),
        ("libgthread-2.0.so.0", True),
        ("libgcc_s.so.1", False),
        ("libz.so.1", False),
        ("libstdc++.so.6", False),
    ],
)
def test_the_pattern_knows_a_desktop(library, is_desktop):
    assert bool(DESKTOP.match(library)) is is_desktop
