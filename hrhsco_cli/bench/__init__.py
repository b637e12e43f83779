"""Latency and memory of recipes, measured side by side."""
