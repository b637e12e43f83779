"""Measuring: average precision, localization error and cost, from frames to named numbers."""
