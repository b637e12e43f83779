"""What a checkpoint holds, as plain values."""

from collections import Counter
from typing import Any

from hrhsco_cli.runs.original_recipe import describe_aspects, find_own_recipe, load_for_weights
from hrhsco_cli.runs.weights.fitting import count_by_part, name_part
from hrhsco_cli.runs.weights.layouts import describe_head
from hrhsco_cli.runs.weights.reading import Weights


def summarize_weights(weights: Weights) -> dict[str, Any]:
    """Summarize what a checkpoint holds, as plain values.

    Args:
        weights: the checkpoint.

    Returns:
        What ``hrhsco weights inspect --json`` writes.
    """
    parameters: Counter[str] = Counter()
    for tensor, each in weights.tensors.items():
        parameters[name_part(tensor)] += each.numel()
    name = find_own_recipe(weights)
    return {
        "source": str(weights.source),
        "layout": weights.layout.title,
        "head": describe_head(weights.head),
        "options": weights.head,
        "recipe": name,
        "trained_for": {} if name is None else describe_aspects(load_for_weights(name, weights)),
        "classes": list(weights.classes),
        "epoch": weights.meta.get("epoch"),
        "tensors": count_by_part(weights.tensors),
        "parameters": parameters,
        "left_out": list(weights.left_out),
    }
