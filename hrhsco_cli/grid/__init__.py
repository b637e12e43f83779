"""Ablation grids: a YAML file to trials, trials to runs, runs to a report."""
