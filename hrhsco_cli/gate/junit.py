"""Findings as JUnit XML, which CI systems show as tests."""

from pathlib import Path

from junitparser import Failure, JUnitXml, TestCase, TestSuite

from hrhsco_cli.files import replace_file
from reports.gate import GateFinding


def write_junit(path: Path, findings: list[GateFinding]) -> None:
    """Write findings as one suite, with a test case for each metric.

    Args:
        path: the file.
        findings: what the gate found.
    """
    suite = TestSuite("hrhsco check")
    for each in findings:
        case = TestCase(each.metric.label, classname=each.key)
        if each.problem:
            told = f"{each.metric.format(each.now)}, baseline {each.metric.format(each.baseline)}"
            case.result = [Failure(f"{each.problem}: {told}; allowed: {each.allowed}")]
        suite.add_testcase(case)
    report = JUnitXml("hrhsco check")
    report.add_testsuite(suite)
    with replace_file(path) as aside:
        report.write(str(aside), pretty=True)
