"""Plots: one a file, each from trials to a figure."""
