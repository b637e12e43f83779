"""What ``distributed.launch_ranks`` starts: torchrun's agent and, started by that, each rank.

Both end when the process that started them is gone, so that a killed trial leaves nobody behind
that goes on writing into its folder.
"""

import sys
from pathlib import Path

from torch import distributed
from torch.distributed import run as torchrun

from hrhsco_cli.memory import keep_freed_memory
from hrhsco_cli.processes import end_with_parent
from hrhsco_cli.runs import recipe, training
from hrhsco_cli.runs.distributed import is_rank
from hrhsco_cli.runs.folder import RunFolder


def main(folder: str, processes: str, checkpoint: str) -> None:
    """Be the agent of ``processes`` ranks, or one of them."""
    end_with_parent()
    if not is_rank():
        words = ["--standalone", "--nproc-per-node", processes, "-m", "hrhsco_cli.runs.ranks"]
        torchrun.main([*words, folder, processes, checkpoint])
        return
    keep_freed_memory()
    run = RunFolder(Path(folder))
    resume_from = Path(checkpoint) if checkpoint else None
    training.train(recipe.load_run(run), run, resume_from=resume_from)
    # Together, and in order: a rank that leaves with its connections open may abort on the way.
    distributed.barrier()
    distributed.destroy_process_group()


if __name__ == "__main__":
    main(*sys.argv[1:])
