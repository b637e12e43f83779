"""The table for a paper and the tidy file: balanced, escaped, and the same figures."""

import re
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from reports.latex import format_headline_table
from reports.results import tabulate_metrics
from reports.statistics.networks import summarize_networks
from reports.variant import Variant
from tests.reports.planted import GOOD, POOR, plant_grid, plant_network, report_networks
from tests.reports.test_folds import plant_folds
from tests.reports.test_report import build_page


def rows_of(text):
    body = text.partition(r"\midrule")[2].partition(r"\bottomrule")[0]
    return [
        line.strip().removesuffix(r"\\").strip().split(" & ") for line in body.splitlines()[1:-1]
    ]


def test_it_is_a_whole_booktabs_table():
    text = build_page(plant_grid(-0.3)).latex
    stack = []
    for kind, name in re.findall(r"\\(begin|end)\{(\w+)\}", text):
        if kind == "begin":
            stack.append(name)
        else:
            assert stack.pop() == name
    assert not stack
    plain = re.sub(r"\\[{}]", "", text)
    assert plain.count("{") == plain.count("}") and text.count("$") % 2 == 0
    rules = re.findall(r"\\(toprule|midrule|bottomrule)", text)
    assert rules == ["toprule", "midrule", "bottomrule"] and r"\usepackage{booktabs}" in text
    columns = len(re.search(r"\\begin\{tabular\}\{(\w+)\}", text).group(1))
    heading = text.partition("\\toprule\n")[2].partition("\\\\\n")[0]
    assert heading.count(" & ") == columns - 1
    assert [len(row) for row in rows_of(text)] == [columns, columns]
    assert not text.replace("% needs", "").replace(r"\%", "").count("%")


def test_what_is_clearly_better_is_bold_and_the_change_has_its_interval():
    text = build_page(plant_grid(-0.3)).latex
    baseline, extension = rows_of(text)
    assert baseline[0] == "YOLC x4" and "reference" in baseline
    error = [cell for cell in extension if re.match(r"\\textbf\{0\.\d{3}\} \$\\pm\$", cell)]
    assert len(error) == 1
    assert r"\textbf{45.0} $\pm$ 0.0" in extension and "40.0 $\\pm$ 0.0" in baseline
    (change,) = [cell for cell in extension if "footnotesize" in cell]
    mean, low, high = map(float, re.findall(r"[-+]\d\.\d{3}", change))
    assert low < mean < high < 0
    assert "textbf" not in " ".join(baseline)  # what nothing is held against is better than nothing
    assert r"\textbf{100.0}" not in text  # the same recall
    assert "of mean error, AP\\_small and recall leaves better: mean error of HRH-SCO n=2" in text


def test_the_least_mean_alone_is_not_bold():
    """Errors of the extension are lower in the mean and spread far more than they fell."""
    trials = plant_grid(-0.1, noise=2.0)
    for each in trials:
        each.metrics["ap.small"] = 0.4
    text = build_page(trials).latex
    assert "textbf" not in text and "recall leaves none." in text


def test_networks_that_cannot_tell_have_a_dagger():
    trials = [*plant_network(2, {"regression": 0.6}, baseline=True), *plant_network(1, GOOD)]
    assert "dagger" not in report_networks(trials).latex
    text = report_networks([*trials, *plant_network(3, POOR)]).latex
    names = [row[0] for row in rows_of(text)]
    assert names == ["YOLC x4", "HRH-SCO n=1", r"HRH-SCO n=3$^\dagger$"]
    assert r"$^\dagger$ not trained enough to tell" in text


def test_names_of_any_kind_are_escaped():
    trials = [
        each if each.baseline else replace(each, variant=Variant({}, "a_b & 50% {x} \\end"))
        for each in plant_grid(-0.3)
    ]
    text = format_headline_table(trials, summarize_networks(trials, {}), "dense")
    assert r"a\_b \& 50\% \{x\} \textbackslash{}end & " in text


def test_the_tidy_file_has_a_row_a_variant_and_metric():
    trials = plant_grid(-0.3)
    frame = tabulate_metrics(trials).set_index(["variant", "metric"])
    assert frame.index.is_unique
    values = [100 * each.metrics["loc.recall"] for each in trials if each.baseline]
    row = frame.loc[("YOLC x4, regression", "loc.recall")]
    assert (row["unit"], row["seeds"], row["mean"]) == ("%", 3, pytest.approx(np.mean(values)))
    errors = [each.metrics["loc.px.mean"] for each in trials if not each.baseline]
    row = frame.loc[("HRH-SCO n=2, sco", "loc.px.mean")]
    low, high = stats.t.interval(0.95, 2, np.mean(errors), stats.sem(errors))
    assert row[["mean", "sd", "low", "high"]].tolist() == pytest.approx(
        [np.mean(errors), np.std(errors, ddof=1), low, high]
    )
    assert row["network"] == "HRH-SCO n=2" and row["unit"] == "px"


def test_one_seed_has_no_interval_and_folds_are_the_unit_where_there_are_several():
    alone = tabulate_metrics(plant_grid(-0.3, seeds=(0,)))
    assert alone[["sd", "low", "high"]].isna().all().all()
    frame = tabulate_metrics(plant_folds()).set_index(["variant", "metric"])
    row = frame.loc[("HRH, sco", "loc.px.mean")]
    means = [1 - 0.2, 5 + 0.3, 2 - 0.2]
    assert row["mean"] == pytest.approx(np.mean(means))
    assert row["high"] == pytest.approx(stats.t.interval(0.95, 2, np.mean(means),
                                                         stats.sem(means))[1])  # fmt: skip
