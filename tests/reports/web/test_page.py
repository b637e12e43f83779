"""The page: the report's own sentences first, one file, no markup from files, small."""

import re
from dataclasses import replace

import pandas as pd
import pytest

from reports.metrics.definitions import METRICS
from tests.reports.planted import plant_spread_truth, plant_trial
from tests.reports.web.pages import build_page, plant_networks, read_specs, read_text

HOSTILE = '</script><script>window.bad=1</script><img src=x onerror="window.bad=1">'


@pytest.fixture(scope="module")
def planted():
    """The report of the planted networks, which no test changes."""
    return build_page()


def strip(markdown):
    return re.sub(r"[*`]", "", markdown)


def test_the_answer_and_the_trust_sentences_come_first_word_for_word(planted):
    text = " ".join(read_text(planted.html).split())
    answer = planted.text.partition("## Answer")[2].partition("\n| n |")[0]
    trust = planted.text.partition("## How far to trust it")[2].partition("## ")[0]
    places = []
    for part in (answer, trust):
        for line in filter(None, strip(part).splitlines()):
            wanted = " ".join(line.removeprefix("- ").split())
            assert wanted in text, wanted
            places.append(text.index(wanted))
    assert places == sorted(places)
    assert max(places) < text.index("All variants", places[0])
    details = strip(planted.details).partition("## What came out")[2].strip().splitlines()[0]
    assert " ".join(details.split()) in text


def test_it_asks_nothing_of_a_network_and_runs_its_own_scripts_alone(planted):
    page = planted.html
    policy = re.search(r'http-equiv="Content-Security-Policy" content="(.*?)"', page)[1]
    assert "default-src 'none'" in policy and "unsafe-eval" not in policy
    assert re.search(r"script-src 'sha256-\S+' 'sha256-\S+';", policy)
    bare = re.sub(r"<script>.*?</script>", "", page, flags=re.S)
    sources = re.findall(r'\b(?:src|href)="(.*?)"', bare)
    assert sources and all(each.startswith(("data:image/png", "#")) for each in sources)
    assert "url(" not in page.partition("</style>")[0] and "@import" not in page
    assert len(page) < 3e6


def test_every_chart_can_be_chosen_from_and_holds_value_interval_seeds_and_objects(planted):
    specs = read_specs(planted.html)
    assert list(specs) == ["error-curves", "changes-0", "changes-1", "tradeoff-0"]
    for spec in specs.values():
        assert {"chosen_networks", "chosen_sources"} <= {each["name"] for each in spec["params"]}
        assert spec["description"]
        hovers = [
            {each["field"] for each in layer["encoding"]["tooltip"]}
            for layer in spec["layer"]
            if "tooltip" in layer.get("encoding", {})
        ]
        assert hovers
        assert all({"said", "interval", "seeds", "objects"} <= each for each in hovers)
    assert "shown_metric" in {each["name"] for each in specs["tradeoff-0"]["params"]}


def test_text_from_files_is_never_markup():
    truth = plant_spread_truth()
    truth = replace(truth, categories=pd.DataFrame({"category_id": [1], "name": [HOSTILE]}))
    trials = [
        *plant_networks(),
        *(plant_trial(f"{HOSTILE} [x](javascript:a)", seed, [1.0] * 9) for seed in range(3)),
    ]
    page = build_page(trials, truth, title=HOSTILE).html
    bare = re.sub(r"<script>.*?</script>", "", page, count=0, flags=re.S)
    assert "<img src=x" not in page and "javascript:a" not in re.findall(r'href="(.*?)"', bare)
    assert len(re.findall(r"<script\b", page)) == len(read_specs(page)) + 2
    assert HOSTILE in read_text(re.search(r"<h1>.*?</h1>", page)[0])


@pytest.mark.slow
def test_the_table_has_a_row_a_variant_with_its_figures_and_what_was_not_measured_is_a_dash():
    trials = plant_networks()
    for trial in trials:
        if trial.baseline:
            trial.metrics["ap.75"] = None
    report = build_page(trials)
    table = re.search(r'<table id="variants">.*?</table>', report.html, flags=re.S)[0]
    headings = [read_text(each) for each in re.findall(r'<th scope="col".*?</th>', table)]
    rows = re.findall(r'<tr><th scope="row".*?</tr>', table)
    variants = list(dict.fromkeys(report.tidy["variant"]))
    assert [read_text(re.search(r"<th.*?</th>", row)[0]) for row in rows] == variants
    error = headings.index(METRICS["loc.px.mean"].label)
    strict = headings.index(METRICS["ap.75"].label)
    for row, variant in zip(rows, variants, strict=True):
        cells = re.findall(r'<t[hd][^>]*data-value="(.*?)">(.*?)</t[hd]>', row)
        tidy = report.tidy[report.tidy["variant"] == variant].set_index("metric")
        mean, low, high = tidy.loc["loc.px.mean", ["mean", "low", "high"]]
        assert float(cells[error][0]) == float(f"{mean:.9g}")
        assert f"{mean:.3f} ± " in cells[error][1] and f"[{low:.3f}, {high:.3f}]" in cells[error][1]
        assert (cells[strict] == ("", "–")) == variant.startswith("YOLC")


@pytest.mark.slow
def test_a_report_of_little_makes_a_page_too(planted):
    alone = build_page([plant_trial("HRH-SCO n=1, sco", 0, [0.5, 0.7])], read_pixels=lambda _: None)
    assert list(read_specs(alone.html)) == ["error-curves", "tradeoff-0"]
    nothing = build_page([plant_trial("HRH-SCO n=1, sco", 0, [], log=False)])
    assert "side by side" in read_text(nothing.html)
    page = build_page(read_pixels=lambda _: None).html
    assert 'class="crops"' not in page and 'class="crops"' in planted.html


def test_what_stands_beside_charts_and_crops_is_said_as_it_is(planted):
    text = " ".join(read_text(planted.html).split())
    assert "seeds pooled" in planted.text and "seeds pooled" not in text  # the chart has the mean
    assert "mean over seeds, as a share of all objects" in text
    assert "up to 4 of each size" in text and "only one of them found last" in text
    assert "the tables have the same figures" not in text
