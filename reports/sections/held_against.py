"""What networks are held against, in words."""

from collections.abc import Collection

from reports.statistics.networks import NetworkSummary


def name_references(summaries: list[NetworkSummary]) -> str:
    """Name what the networks of a report are held against.

    Args:
        summaries: of the report's networks.
    """
    return name_baselines({each.reference[0].variant.name for each in summaries if each.reference})


def name_baselines(references: Collection[str]) -> str:
    """Name the best decode of one baseline, or of the one that is like each network.

    Args:
        references: names of the variants that others are held against.
    """
    text = "the baseline's best decode by mean error"
    if len(references) > 1:
        text = (
            "the best decode, by mean error, of the baseline with the same values on the other "
            "axes (of all baselines where there is none)"
        )
    return text
