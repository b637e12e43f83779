"""Runs: recipes resolved, a folder a run, training and evaluation on mmengine's Runner."""
