"""Branch oracles of a grid: the best decode of each network, scored again with one branch true."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from hrhsco_cli.files import read_json
from hrhsco_cli.grid.folder import GridFolder
from hrhsco_cli.grid.reporting import load_runs
from hrhsco_cli.progress import OnProgress, ignore_progress
from hrhsco_cli.runs.folder import RunFolder
from reports.errors import InputError

if TYPE_CHECKING:
    from hrhsco_cli.grid.reporting import LoadedRun


def parse_branches(text: str) -> list[str]:
    """Parse a list of branches such as ``heatmap,size,heatmap+size``.

    Args:
        text: their names, with commas between them.

    Raises:
        InputError: one is unknown.
    """
    from heads.branch_oracle import BRANCH_ORACLES

    branches = [each.strip() for each in text.split(",")]
    for name in "+".join(branches).split("+"):
        if name not in BRANCH_ORACLES:
            known = ", ".join(BRANCH_ORACLES)
            raise InputError(f"--branch-oracle has no {name!r}; choose from {known}")
    return branches


def score_branch_oracles(
    grid: GridFolder, branches: Sequence[str], on_progress: OnProgress = ignore_progress
) -> list[RunFolder]:
    """Score the branch oracles of each network's best decode, of its first seed.

    Networks without a head of ours have none. What was scored before is kept.

    Args:
        grid: a grid with finished trials.
        branches: of ``heads.branch_oracle``, several at once joined by ``+``.
        on_progress: called before each network.

    Returns:
        The runs that have an ``oracle.json`` now.

    Raises:
        InputError: results of the grid can't be read.
    """
    from hrhsco_cli.runs.evaluation import evaluate_oracles

    runs = choose_best_runs(load_runs(grid.path, grid.read()))
    for number, run in enumerate(runs):
        on_progress(number, len(runs), run.path.name)
        known = read_json(run.oracle, "branch oracles") if run.oracle.is_file() else {}
        if not {"none", *branches} <= known.keys():
            evaluate_oracles(run, branches, into=run)
    return runs


def choose_best_runs(loaded: Sequence["LoadedRun"]) -> list[RunFolder]:
    """Choose the first seed's run of each network's best decode; none of heads that aren't ours.

    Args:
        loaded: the finished runs of a grid.
    """
    from reports.statistics.networks import find_best_decodes

    ours = [each for each in loaded if not each.trial.foreign]
    chosen = []
    for variant in find_best_decodes([each.trial for each in ours]).values():
        mine = [each for each in ours if each.trial.variant.name == variant]
        chosen.append(min(mine, key=lambda each: each.trial.seed).run)
    return chosen
