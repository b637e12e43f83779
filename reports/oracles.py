"""Which branch holds a network back: its scores with one branch after the other made true."""

from collections.abc import Mapping
from typing import Any

from reports.metrics.definitions import METRICS


def name_limiting_branch(scored: Mapping[str, Mapping[str, Any]]) -> str:
    """One sentence: the branch whose truth wins the most AP.

    Args:
        scored: metrics by branch; ``none`` is the network as it is.
    """
    metric = METRICS["ap.all"]
    gains = {
        branch: metrics[metric.key] - scored["none"][metric.key]
        for branch, metrics in scored.items()
        if branch != "none"
        and "+" not in branch
        and None not in (metrics[metric.key], scored["none"][metric.key])
    }
    if not gains:
        return "No branch could be judged."
    points = {branch: f"{metric.scale * gain:+.{metric.digits}f}" for branch, gain in gains.items()}
    best = max(gains, key=gains.__getitem__)
    if gains[best] <= 0:
        return f"No branch made true alone wins AP (the best, {best}: {points[best]} points)."
    rest = ", ".join(f"{branch} {points[branch]}" for branch in gains if branch != best)
    others = f"; the others: {rest}" if rest else ""
    return f"The {best} branch holds AP back most: {points[best]} points if it were true{others}."
