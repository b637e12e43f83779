"""Progress of a training."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from hrhsco_cli.progress import show_progress

if TYPE_CHECKING:
    from hrhsco_cli.runs.weights.starting import Start


@contextmanager
def training_progress(title: str) -> Iterator[dict[str, Any]]:
    """Callbacks for a training: what it starts from is printed, its steps move a display."""
    from hrhsco_cli.shown.weights import print_start

    with show_progress(title, 0) as log:

        def on_start(start: "Start") -> None:
            print_start(start, log.console)

        yield {"on_start": on_start, "on_progress": log.advance_to}
