"""Detecting in any images with trained runs: inputs, tiles, detectors, results."""
