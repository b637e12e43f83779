"""What a shell completes is what the commands take, and every command's help is whole sentences."""

import pytest
import typer

from hrhsco_cli.commands import completion
from hrhsco_cli.main import app


def options(command, path=()):
    """Each parameter of each command, with the words that name it."""
    for name, sub in getattr(command, "commands", {}).items():
        yield from options(sub, (*path, name))
    if not hasattr(command, "commands"):
        for parameter in command.params:
            yield pytest.param(parameter, id=" ".join((*path, parameter.name)))


def test_words_that_are_written_out_are_all_that_there_are():
    from heads.centers import CENTER_SOURCES
    from hrhsco_cli.datasets.convert import LAYOUTS
    from reports.metrics.protocols import PROTOCOLS

    assert sorted(completion.LAYOUTS) == sorted(LAYOUTS)
    assert sorted(completion.PROTOCOLS) == sorted(PROTOCOLS)
    assert sorted(completion.CENTER_SOURCES) == sorted(CENTER_SOURCES)


def test_steps_of_bench_forms_are_all_that_there_are():
    from hrhsco_cli.commands.bench_forms import STEP_NAMES
    from hrhsco_cli.runs.registration import register

    register()
    from hrhsco_cli.bench.forms import STEPS

    assert sorted(STEP_NAMES) == sorted(STEPS)


def test_shipped_recipes_grids_and_metrics_are_completed():
    from hrhsco_cli.runs.recipe import list_shipped

    shipped = {kind: {each.name for each in list_shipped() if each.kind == kind}
               for kind in ("recipe", "grid")}  # fmt: skip
    assert set(completion.complete_recipe("")) == shipped["recipe"]
    assert set(completion.complete_grid("")) == shipped["grid"]
    assert completion.complete_recipe("quickstart_hrh") == ["quickstart_hrh_sco"]
    assert "loc.px.mean" in completion.complete_metric("loc.px")
    found = completion.complete_decoding("model.test_cfg.center_source=s")
    assert found == ["model.test_cfg.center_source=sco"]


@pytest.mark.parametrize("parameter", options(typer.main.get_command(app)))
def test_help_of_every_parameter_is_a_sentence(parameter):
    if getattr(parameter, "hidden", False):
        return
    text = parameter.help or ""
    assert text.endswith("."), text
    assert text[0].isupper(), text
    assert len(text.split()) > 2, text
