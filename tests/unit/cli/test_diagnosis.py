from __future__ import annotations

import json
from dataclasses import asdict
from importlib import metadata

from holopose.cli.diagnosis import Problem, Report, version_of


def test_a_report_is_plain_data() -> None:
    report = Report("1.0", problems=[Problem("this", "that")])
    assert json.loads(json.dumps(asdict(report)))["problems"] == [{"what": "this", "mend": "that"}]
    assert Report("1.0").problems == []


def test_versions_of_distributions() -> None:
    assert version_of("numpy") == metadata.version("numpy")
    assert version_of("no-such-distribution-here") is None
