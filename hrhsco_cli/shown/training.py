"""Progress of a training."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from hrhsco_cli.progress import progress

if TYPE_CHECKING:
    from hrhsco_cli.runs.training import Plan
    from hrhsco_cli.runs.weights.starting import Start


@contextmanager
def training_progress(title: str) -> Iterator[dict[str, Any]]:
    """Callbacks for a training: what it starts from is printed, its steps move a display."""
    from hrhsco_cli.shown.weights import print_start

    with progress(title, 0) as log:

        def on_plan(plan: "Plan") -> None:
            log.set_total(plan.steps)

        def on_step(line: dict[str, Any]) -> None:
            loss = f"loss {line['loss']:.3g}" if "loss" in line else ""
            log.advance(line.get("step", 0) - log.done, note=loss)

        def on_start(start: "Start") -> None:
            print_start(start, log.console)

        yield {"on_start": on_start, "on_plan": on_plan, "on_step": on_step}
