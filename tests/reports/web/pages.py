"""Pages of planted trials, and what is in them."""

import html
import json
import re

import numpy as np

from heads.centers import CENTER_SOURCES
from reports.report import build_report
from tests.reports.planted import FINE, GOOD, plant_network, plant_spread_truth


def plant_networks():
    """The baseline and an extension at two depths, three seeds of each, four sources."""
    baseline = {"peak_center": 0.8, "regression": 0.7}
    trials = [
        *plant_network(2, baseline, fell=0.1, baseline=True),
        *plant_network(1, GOOD, fell=0.1),
        *plant_network(2, FINE, fell=0.1),
    ]
    for trial in trials:
        trial.metrics["ap.small"] = 0.3 + 0.01 * trial.depth * (not trial.baseline)
        trial.metrics["ap.small"] += 0.001 * trial.seed
    return trials


def paint(_):
    """The pixels of any image."""
    return np.random.default_rng(0).integers(0, 255, (96, 96, 3), dtype=np.uint8)


def build_page(trials=None, truth=None, title="T", read_pixels=paint):
    """The report of planted networks, with its page."""
    return build_report(
        title,
        plant_networks() if trials is None else trials,
        plant_spread_truth() if truth is None else truth,
        [],
        center_sources={name: each.description for name, each in CENTER_SOURCES.items()},
        read_pixels=read_pixels,
    )


def read_specs(page):
    """The charts of a page, by name."""
    found = re.findall(r'<script type="application/json" id="spec-([\w-]+)">(.*?)</script>', page)
    return {name: json.loads(text) for name, text in found}


def read_text(page):
    """The text of a page, or a part of it, without markup."""
    bare = re.sub(r"<(script|style)\b.*?</\1>", "", page, flags=re.S)
    return html.unescape(re.sub(r"<[^>]+>", "", bare))
