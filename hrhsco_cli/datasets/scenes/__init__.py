"""Rendered scenes: tiny objects at exactly known fractional centers, anti-aliased by coverage."""

from hrhsco_cli.datasets.scenes.dataset import render_dataset

__all__ = ["render_dataset"]
