"""Detecting in any pictures with trained runs: inputs, tiles, detectors, results."""
