"""``hrhsco check``: the regression gate for CI."""

from pathlib import Path
from typing import Annotated

import typer

from hrhsco_cli.commands.values import ProtocolName, output, parse_names, require_none


def check(
    metrics: Annotated[
        str, typer.Argument(help="A metrics.json, a run, or a quoted pattern of runs (their mean).")
    ],
    baseline: Annotated[Path, typer.Option(help="The baseline file (YAML).")],
    protocol: ProtocolName = None,
    update: Annotated[
        bool, typer.Option("--update", help="Write today's values as the baseline instead.")
    ] = False,
    guarded: Annotated[
        str | None,
        typer.Option(
            "--metrics",
            help="With --update: the metrics to guard (a,b).  [default: the baseline's own; of a "
            "new one AP, AP_small, error, bias, recall, MACs and time, where measured]",
        ),
    ] = None,
    junit: Annotated[Path | None, output("Write JUnit XML there.")] = None,
    summary: Annotated[Path | None, output("Write Markdown there.")] = None,
    json_out: Annotated[Path | None, output("Write the findings there.", "--json")] = None,
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
    from hrhsco_cli.shown.gate import print_findings, print_renewal
    from reports.sections.gate import compose_gate

    measured = checking.read_figures(metrics)
    if protocol is not None:
        checking.require_protocol(measured, protocol)
    if update:
        outputs = {"--junit": junit, "--summary": summary, "--json": json_out}
        require_none(outputs, "tells what was found, and --update looks for nothing")
        old = read_baseline(baseline) if baseline.is_file() else None
        keys = None if guarded is None else parse_names(guarded, "--metrics")
        new = checking.renew_baseline(measured, old, baseline, keys)
        write_baseline(baseline, new)
        print_renewal(old.limits if old else {}, new.limits)
        return
    require_none({"--metrics": guarded}, "chooses what --update guards, and --update is not given")
    findings = checking.judge_figures(measured, read_baseline(baseline))
    print_findings(findings, measured.conditions["protocol"])
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
