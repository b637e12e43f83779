"""The findings of ``hrhsco doctor``: what is needed, whether it is there, and how to mend it."""

import importlib
import os
import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from hrhsco_cli.runs.environment import read_package_versions

DEBIAN_PACKAGES = {
    "libGL.so.1": "libgl1",
    "libEGL.so.1": "libegl1",
    "libICE.so.6": "libice6",
    "libSM.so.6": "libsm6",
    "libX11.so.6": "libx11-6",
    "libXext.so.6": "libxext6",
    "libxcb.so.1": "libxcb1",
    "libglib-2.0.so.0": "libglib2.0-0",
    "libgthread-2.0.so.0": "libglib2.0-0",
    "libgcc_s.so.1": "libgcc-s1",
    "libgomp.so.1": "libgomp1",
    "libstdc++.so.6": "libstdc++6",
    "libz.so.1": "zlib1g",
}
"""The Debian (and Ubuntu) package of each system library that a compiled module may ask for."""

INSTALL_AGAIN = "install again by the README's first command"

_SYSTEM_LIBRARY = re.compile(r"(lib[\w+.-]+\.so(?:\.\d+)*): cannot open shared object file")


@dataclass(frozen=True)
class Finding:
    """One row of the table.

    Attributes:
        what: the thing that is needed.
        found: its version, or what is wrong with it.
        mend: the mending step; empty where nothing is wrong.
    """

    what: str
    found: str
    mend: str = ""


def diagnose() -> Iterator[Finding]:
    """Look at everything that hrhsco needs; no other program is ever called.

    Returns:
        The findings, in the order in which one missing thing explains the next.
    """
    for name, found in read_package_versions().items():
        yield Finding(name, found) if found else Finding(name, "missing", INSTALL_AGAIN)
    yield _find_opencv()
    yield _find_shared_memory()
    yield _find_temporary_folder()
    for module in ("numpy", "torch", "cv2", "matplotlib", "hotcoco", "mmdet"):
        broken = _find_broken(module)
        if broken is not None:
            yield broken
            return  # whatever imports it would only say the same
    yield from _find_devices()


def _find_opencv() -> Finding:
    """Only the headless build of OpenCV: the other asks for the libraries of a desktop."""
    headless, desktop = _version("opencv-python-headless"), _version("opencv-python")
    if desktop is not None:
        found = f"opencv-python {desktop}, which needs the libraries of a desktop"
        command = "uv pip uninstall opencv-python opencv-python-headless"
        return Finding("opencv-python-headless", found, f"{command}, then {INSTALL_AGAIN}")
    if headless is None:
        return Finding("opencv-python-headless", "missing", INSTALL_AGAIN)
    return Finding("opencv-python-headless", headless)


def _find_shared_memory() -> Finding:
    """Processes of a grid and of data loaders meet in it."""
    folder = Path("/dev/shm")
    if os.name != "posix" or not Path("/proc").is_dir() or os.access(folder, os.W_OK | os.X_OK):
        return Finding("shared memory", "usable")
    return Finding(
        "shared memory",
        f"{folder} is missing or can't be written to",
        f"mount -t tmpfs shm {folder} (docker run --shm-size 1g)",
    )


def _find_temporary_folder() -> Finding:
    try:
        return Finding("temporary folder", tempfile.gettempdir())
    except OSError as error:
        return Finding("temporary folder", str(error), "set TMPDIR to a folder with space")


def _find_broken(module: str) -> Finding | None:
    """What keeps a module from being imported; None where nothing does."""
    try:
        importlib.import_module("heads.registered" if module == "mmdet" else module)
    except Exception as error:  # whatever breaks the import is what the person must read
        return explain(module, error)
    return None


def explain(module: str, error: Exception) -> Finding:
    """Why a module can't be imported, and what to do about it.

    Args:
        module: its name.
        error: what its import raised.

    Returns:
        A missing system library by its name and the package that has it, else the error itself.
    """
    missing = _SYSTEM_LIBRARY.search(str(error))
    if missing is None:
        return Finding(module, f"{type(error).__name__}: {error}", INSTALL_AGAIN)
    library = missing[1]
    package = DEBIAN_PACKAGES.get(library)
    mend = (
        f"apt-get install {package} (Debian, Ubuntu), or your system's package that has {library}"
        if package
        else f"install your system's package that has {library}"
    )
    return Finding(module, f"the system library {library} is missing", mend)


def _find_devices() -> Iterator[Finding]:
    from heads.registered import BACKEND
    from hrhsco_cli.runs.environment import read_device_name

    yield Finding("device", read_device_name())
    yield Finding("NMS and deformable convolution", f"{BACKEND.name} {BACKEND.version}")


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
