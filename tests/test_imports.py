"""Every module can be imported, on every Python that is supported."""

import importlib
import pkgutil

import pytest

import heads
import heads.registered
import hrhsco_cli
import reports

MODULES = [
    found.name
    for package in (heads, reports, hrhsco_cli)
    for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
]


@pytest.mark.parametrize("name", MODULES)
def test_module_imports(name):
    importlib.import_module(name)
