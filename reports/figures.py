"""Each figure of a report with its title and its caption, as Markdown that shows it."""

from reports.material import Material
from reports.plots import (
    confusion,
    cost_tradeoff,
    detection_curves,
    error_cdf,
    forest,
    gain,
    learning,
    magnified,
    size_bins,
    training_curves,
)
from reports.sections.detection_curves import describe_curves
from reports.sections.held_against import name_references
from reports.sections.sizes import describe_forest
from reports.statistics.detection_curves import CONFUSION_IOU
from reports.statistics.differences import name_spread_units
from reports.statistics.size_changes import FEW_OBJECTS


def draw_error_cdf(made: Material) -> str:
    """Draw how errors are spread."""
    return made.show(
        "error_cdf",
        "share of objects by error",
        f"How far predicted centers lie from true ones, {name_spread_units(made.trials)} pooled, "
        "as a share of all objects, up to where every best decode has 95 % of what it found (3 px "
        "at most); higher and further left is better. A color is a network by its best decode, a "
        "line style a center source; pale gray are all other decodings, thin dark gray "
        "floors: what a network without error reaches by the middle of its cell. Beside it, where "
        "there is a baseline: how many more objects a network's best decode has found up to "
        "each distance than its baseline's.",
        error_cdf.draw(made.trials, made.truth, made.floors, made.equal_looks),
    )


def draw_forest(made: Material) -> str:
    """Draw changes by object size."""
    looks = {each.name: made.equal_looks[each.variant] for each in made.summaries}
    return made.show(
        "forest",
        "changes by object size",
        describe_forest(made.trials),
        forest.draw(made.by_size, looks),
    )


def draw_cost_tradeoff(made: Material) -> str:
    """Draw accuracy against cost."""
    crops = ", cluster crops included" * any(each.cluster_crops for each in made.trials)
    return made.show(
        "cost_tradeoff",
        "accuracy against cost",
        f"What accuracy costs{crops}: mean over {name_spread_units(made.trials)}, bars are one "
        "standard deviation; the gray line joins the points that no other beats at its cost or "
        f"less (Pareto front).{_say_what_is_left_out(made)}",
        # Best decodes alone are drawn alike: there is nothing that could hide them.
        cost_tradeoff.draw(made.drawn, made.equal_looks if made.leaves_out else made.looks),
    )


def draw_size_bins(made: Material) -> str:
    """Draw error and recall by object size."""
    return made.show(
        "size_bins",
        "error and recall by object size",
        "Error and recall by object size (square root of the area); bars are one standard "
        f"deviation over {name_spread_units(made.trials)}. Sizes of fewer than {FEW_OBJECTS} "
        f"objects are left out where there are others.{_say_what_is_left_out(made)}",
        size_bins.draw(made.drawn, made.sizes, made.looks),
    )


def draw_learning(made: Material) -> str:
    """Draw error and AP against training."""
    drawn = any(each.reference and len(each.reference[0].curve) for each in made.summaries)
    gray = f"; the thin gray line is {name_references(made.summaries)}"
    return made.show(
        "learning",
        "error and AP against training",
        f"Error and AP against training: mean over {name_spread_units(made.trials)}, shaded from "
        "least to greatest. First each network's best decode, then all decodings of each network"
        f"{gray * drawn}.",
        learning.draw(made.trials, made.equal_looks),
    )


def draw_gain(made: Material) -> str:
    """Draw what the offset branch gained beside the law."""
    return made.show(
        "gain",
        "gain of the offset branch",
        "What the offset branch gained over the middle of the peak's cell, against the "
        "network's own error: a point is a trained network (one seed) and a size bin; its "
        "color is the network's, its shape the size. The "
        "curve is what the law gives a perfect fraction where all errors are of one Gaussian; of "
        "close and far hits mixed, more can be gained. Right of the dashed line there is too "
        "little to gain to be told.",
        gain.draw(made.trials, made.equal_looks),
    )


def draw_training_curves(made: Material) -> str:
    """Draw the losses of training."""
    return made.show(
        "training_curves",
        "training losses",
        f"Training losses by epoch: mean over {name_spread_units(made.trials)}, shaded from least "
        "to greatest. Those of different heads measure different things.",
        training_curves.draw(made.trials, made.equal_looks),
    )


def draw_detection_curves(made: Material) -> list[str]:
    """Draw precision, recall, F1 and confusions of the baseline's and the extension's best."""
    if not made.curves:
        return []
    return [
        made.show(
            "precision_recall",
            "precision against recall, F1 against the score threshold",
            f"{describe_curves(made.curves)}. Left: precision at each recall, by the IoU that "
            "makes a hit; right: F1 at each score threshold, dotted where each seed's is best. "
            f"Means over classes; lines are means over {name_spread_units(made.trials)}, shaded "
            "from least to greatest.",
            detection_curves.draw(made.curves, made.equal_looks),
        ),
        made.show(
            "confusion",
            "confused classes",
            "What became of the objects of each class, in percent of them, among detections above "
            f"each seed's threshold of the best F1, pairs of IoU {CONFUSION_IOU:g} and more, seeds "
            "pooled. The last row holds detections where there is no object, in percent of those.",
            confusion.draw(made.curves, list(made.truth.categories["name"])),
        ),
    ]


def draw_magnified(made: Material, which: slice) -> list[str]:
    """Draw magnified crops, two networks at a time.

    Args:
        made: what the report is made of.
        which: of the pairs of networks.
    """
    pairs = magnified.choose_pairs(made.summaries, made.equal_looks)
    shown = []
    for number, pair in list(enumerate(pairs, 1))[which]:
        names = " and ".join(pair)
        caption = (
            f"{names}: true centers (cross, with the true box) and predicted ones, one seed; a "
            f"marker that is missing was more than {magnified.NEAR_PX:g} px away."
        )
        figure = magnified.draw(made.images, pair)
        shown.append(made.show(f"magnified_{number}", names, caption, figure))
    return shown


def _say_what_is_left_out(made: Material) -> str:
    """Say that a figure leaves variants out."""
    return " Best decodes alone; the tables have the others." * made.leaves_out
