"""``hrhsco check``: the regression gate for CI."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hrhsco_cli.commands.options import Json, ProtocolName, output
from hrhsco_cli.commands.values import parse_names, refuse_given
from hrhsco_cli.console import Console, new_table
from reports.counts import format_count

if TYPE_CHECKING:
    from reports.gate import GateFinding, MetricGate


def check(
    context: typer.Context,
    metrics: Annotated[
        str,
        typer.Argument(
            help="Hold these figures against the baseline: a metrics.json, a run, or a quoted "
            "pattern of runs (their mean)."
        ),
    ],
    baseline: Annotated[Path, typer.Option(help="Read the baseline from this file (YAML).")],
    protocol: ProtocolName = None,
    update: Annotated[
        bool, typer.Option("--update", help="Write today's values as the baseline instead.")
    ] = False,
    guarded: Annotated[
        str | None,
        typer.Option(
            "--metrics",
            help="Guard these metrics, with --update; commas separate them.",
            show_default="the baseline's own; of a new one AP, AP_small, error, bias, recall, MACs "
            "and time, where measured",
        ),
    ] = None,
    junit: Annotated[
        Path | None, output("Write the findings to this file, as JUnit's XML.")
    ] = None,
    summary: Annotated[Path | None, output("Write the findings to this file, as Markdown.")] = None,
    json_out: Json = None,
) -> None:
    """Exit 1 when a metric is worse than the baseline allows, or missing.

    Figures of another protocol than the baseline's, or than --protocol, are refused.

    The Markdown is also appended to the file named in GITHUB_STEP_SUMMARY, where that is set.

    Example: hrhsco check runs/first --baseline baseline.yaml --update

    Example: hrhsco check runs/first --baseline baseline.yaml --update --metrics ap.50,loc.recall

    Example: hrhsco check runs/first --baseline baseline.yaml --junit check.xml

    Example: hrhsco check runs/first --baseline baseline.yaml --protocol dense
    """
    from dataclasses import asdict

    from hrhsco_cli.files import write_json, write_text
    from hrhsco_cli.gate import checking
    from hrhsco_cli.gate.baseline import read_baseline, write_baseline
    from hrhsco_cli.gate.junit import write_junit
    from reports.sections.gate import compose_gate

    measured = checking.read_figures(metrics)
    if protocol is not None:
        checking.require_protocol(measured, protocol)
    if update:
        outputs = {"junit": "--junit", "summary": "--summary", "json_out": "--json"}
        refuse_given(context, outputs, "tells what was found, and --update looks for nothing")
        old = read_baseline(baseline) if baseline.is_file() else None
        keys = None if guarded is None else parse_names(guarded, "--metrics")
        new = checking.renew_baseline(measured, old, baseline, keys)
        write_baseline(baseline, new)
        _print_update(old.limits if old else {}, new.limits)
        return
    why = "chooses what --update guards, and --update is not given"
    refuse_given(context, {"guarded": "--metrics"}, why)
    findings = checking.judge_figures(measured, read_baseline(baseline))
    _print_findings(findings, measured.conditions["protocol"])
    text = compose_gate(findings, metrics, measured.conditions["protocol"])
    if junit is not None:
        write_junit(junit, findings)
    if summary is not None:
        write_text(summary, text)
    checking.append_to_step_summary(text)
    if json_out is not None:
        write_json(json_out, [asdict(each) for each in findings])
    if any(each.problem for each in findings):
        raise typer.Exit(1)


def _print_findings(findings: list["GateFinding"], protocol: str) -> None:
    """Print what failed, or that everything held."""
    from reports.sections.gate import HEADINGS, format_findings

    failed = [each for each in findings if each.problem]
    console = Console()
    all_metrics = format_count(len(findings), "metric")
    if failed:
        table = new_table(*HEADINGS, title=f"{len(failed)} of {all_metrics} failed")
        for row in format_findings(failed):
            table.add_row(*row)
        console.print_table(table)
    else:
        console.print_line(f"all {all_metrics} held" if len(findings) != 1 else "1 metric held")
    console.print_conditions({"protocol": protocol})


def _print_update(old: dict[str, "MetricGate"], new: dict[str, "MetricGate"]) -> None:
    """Print each metric's value before and after."""
    from reports.metrics.definitions import find_metric

    table = new_table("metric", "was", "is", title="baseline")
    for key, limit in new.items():
        metric = find_metric(key)
        before = metric.format(old[key].value) if key in old else "new"
        table.add_row(metric.label, before, metric.format(limit.value))
    Console().print_table(table)
