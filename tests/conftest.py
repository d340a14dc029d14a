"""Rules for every test: the same examples in every run of CI, and no test that is quietly left out there.

What a test needs beside Python is a marker. It has it from its fixtures, and where one chooses, from the parameter:
``make quick`` leaves those out.
"""

import os
from collections.abc import Generator, Iterator
from typing import Any, Final

import pytest
from hypothesis import settings
from support import kafka_broker, spreading
from support.sampled import QUICK, examples

IN_CI: Final = os.environ.get("CI") == "true"

# A first call may compile for seconds, so no example has a deadline; every health check stays in force.
settings.register_profile("local", deadline=None, print_blob=True, suppress_health_check=())
settings.register_profile("ci", deadline=None, print_blob=True, suppress_health_check=(), derandomize=True)
settings.register_profile(
    "quick",
    deadline=None,
    print_blob=True,
    suppress_health_check=(),
    max_examples=examples(settings().max_examples),
)
settings.load_profile("ci" if IN_CI else "quick" if QUICK else "local")

LONG: Final = os.environ.get("RELASI_TEST_FAULTS") == "long"
# By fixture: the real part that a test then needs, beside this process and those that it starts.
PARTS: Final = {"broker": "broker", "forgetful": "broker", "clickhouse": "server", "browser": "browser"}

_skipped: Final = pytest.StashKey[list[str]]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_skipped] = []
    if IN_CI:
        config.pluginmanager.register(SkipWatch(config.stash[_skipped]), "skip-watch")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> object:
    """How tests are spread over processes."""
    return spreading.scheduler(config, log)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark what needs a real part, before -m chooses; leave out what takes minutes, unless it was asked for."""
    for item in items:
        for part in parts_of(item):
            item.add_marker(part)
    left_out = [] if LONG else [item for item in items if item.get_closest_marker("long")]
    if left_out:
        # Not as skipped: nothing that they need is missing.
        config.hook.pytest_deselected(items=left_out)
    items[:] = sorted((item for item in items if item not in left_out), key=lambda item: spreading.place(item.nodeid))


def parts_of(item: pytest.Item) -> set[str]:
    """The real parts that a test asks for by its fixtures."""
    return {PARTS[fixture] for fixture in getattr(item, "fixturenames", ()) if fixture in PARTS}


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup(fixturedef: Any, request: Any) -> Generator[None, object, object]:
    """A part that starts for a test that does not say so would start in ``make quick`` too."""
    test = getattr(request, "_pyfuncitem", None)
    part = PARTS.get(fixturedef.argname)
    if part and test is not None and not test.get_closest_marker(part):
        pytest.fail(f"{test.nodeid} uses {fixturedef.argname} unmarked: mark the parameter that chooses it")
    return (yield)


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


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[kafka_broker.Broker]:
    """One real broker for all tests that need one."""
    if not kafka_broker.obtainable():
        pytest.skip("Apache Kafka needs Java and Maven")
    with kafka_broker.running(tmp_path_factory.mktemp("kafka") / "broker") as started:
        yield started
