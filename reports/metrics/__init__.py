"""Measuring: average precision, localisation error and cost, from frames to named numbers."""
