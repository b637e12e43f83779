"""Branch oracles of a grid: the best decode of each network, scored again with one branch true."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from hrhsco_cli.files import read_json, write_json
from hrhsco_cli.grid.folder import GridFolder
from hrhsco_cli.grid.reporting import load_runs
from hrhsco_cli.grid.worker import describe_error
from hrhsco_cli.progress import OnProgress, ignore_progress
from hrhsco_cli.runs.folder import RunFolder

if TYPE_CHECKING:
    from hrhsco_cli.grid.reporting import LoadedRun


def score_branch_oracles(
    grid: GridFolder, branches: Sequence[str], on_progress: OnProgress = ignore_progress
) -> dict[str, str]:
    """Score the branch oracles of each network's best decode, of its first seed, in this process.

    Networks without a head of ours have none. Branches that were scored before are kept; the
    network as it is (``none``) is scored again beside further ones.

    Args:
        grid: a grid with finished trials.
        branches: as ``parse_branches`` reads them.
        on_progress: called before each network.

    Returns:
        Why a run could not be scored, by the name of its folder; empty if all were.

    Raises:
        InputError: results of the grid can't be read.
    """
    from hrhsco_cli.runs.evaluation import evaluate_oracles

    failures = {}
    runs = choose_best_runs(load_runs(grid.path, grid.read()))
    for number, run in enumerate(runs):
        on_progress(number, len(runs), run.path.name)
        try:
            known = read_json(run.oracle, "branch oracles") if run.oracle.is_file() else {}
            missing = [branch for branch in branches if branch not in known]
            if missing:
                write_json(run.oracle, known | evaluate_oracles(run, missing, into=None))
        except Exception as error:  # one network's must not cost the others', nor the report
            failures[run.path.name] = describe_error(error)
    return failures


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
