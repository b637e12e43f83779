"""The state of trials names the protocol that their figures follow."""

import json
from io import StringIO

from rich.console import Console

from hrhsco_cli.commands.ablate.trial_display import make_trial_table
from hrhsco_cli.grid.folder import GridFolder
from hrhsco_cli.grid.status import TrialStatus, read_grid_status


def printed(trials):
    console = Console(file=StringIO(), width=120)
    console.print(make_trial_table(trials, "ap.50"))
    return console.file.getvalue()


def test_a_table_of_figures_names_their_protocol():
    waiting = TrialStatus("a", "a-1", "waiting")
    done = [
        TrialStatus(n, f"{n}-1", "finished", metric=0.5, protocol=p)
        for n, p in (("b", "yolc"), ("c", "yolc"), ("d", "visdrone"))
    ]
    assert "protocol" not in printed([waiting])
    assert "AP50 (%), protocol yolc" in printed([waiting, *done[:2]])
    assert "protocol visdrone and yolc" in printed(done)


def test_it_is_read_from_the_trial_s_own_metrics(tmp_path):
    rows = []
    for name, meta in (("new", {"protocol": "aitod", "max_dets": [1, 100, 1500]}), ("old", {})):
        (tmp_path / name).mkdir()
        (tmp_path / name / "metrics.json").write_text(json.dumps({"ap.50": 0.5, "meta": meta}))
        rows.append({"name": name, "folder": name, "network": name})
    (tmp_path / "grid.json").write_text(json.dumps({"name": "some", "trials": rows}))
    found = read_grid_status(GridFolder(tmp_path), "ap.50")
    assert [(each.state, each.protocol) for each in found] == [
        ("finished", "aitod"),
        ("finished", "dense"),
    ]
