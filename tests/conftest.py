"""Rules for every test: the same examples in every run of CI, and no test that is quietly left out there."""

import os
from collections.abc import Iterator
from typing import Final

import pytest
from hypothesis import settings

IN_CI: Final = os.environ.get("CI") == "true"

# A first call may compile for seconds, so no example has a deadline; every health check stays in force.
settings.register_profile("local", deadline=None, print_blob=True, suppress_health_check=())
settings.register_profile("ci", deadline=None, print_blob=True, suppress_health_check=(), derandomize=True)
settings.load_profile("ci" if IN_CI else "local")

_skipped: Final = pytest.StashKey[list[str]]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_skipped] = []
    if IN_CI:
        config.pluginmanager.register(SkipWatch(config.stash[_skipped]), "skip-watch")


class SkipWatch:
    """Fails the run when a test, or a whole module, was skipped: on CI everything that a test needs is there."""

    def __init__(self, skipped: list[str]) -> None:
        self._skipped: Final = skipped

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.skipped and not hasattr(report, "wasxfail"):
            self._skipped.append(report.nodeid)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.skipped:
            self._skipped.append(report.nodeid)

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if self._skipped and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        for nodeid in self._skipped:
            terminalreporter.write_line(f"SKIPPED although CI=true, which fails the run: {nodeid}", red=True)


@pytest.fixture(scope="module", params=[10**6, 8], ids=["hot", "packed"])
def hot_rows(request: pytest.FixtureRequest) -> Iterator[None]:
    """All is as it would be where few rows stand in full, and the others are packed and unpacked all the time."""
    from support import shell

    shell.hot_rows.append(request.param)
    yield
    shell.hot_rows.pop()
