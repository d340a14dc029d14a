"""The compose file, as far as a machine without a Docker engine can check it."""

import re
import shlex
import subprocess
import sys
import xml.etree.ElementTree as ET
from dataclasses import fields
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import pytest
from prometheus_client.parser import text_string_to_metric_families
from ruamel.yaml import YAML
from support import kafka_broker

from streams.commands.parsing import arguments
from streams.metrics import Metrics
from streams.reports.clickhouse import Address
from streams.reports.ddl import statements
from streams.settings import PREFIX, Settings, load

ROOT: Final = Path(__file__).resolve().parents[2]
DEPLOY: Final = ROOT / "deploy"
_VARIABLE: Final = re.compile(r"\$\{([A-Z_]+):-([^}]*)\}")
_NATIVE, _HTTP, _PROMETHEUS = 9000, 8123, 9090


def parsed(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = YAML(typ="safe").load(path)
    return found


COMPOSE: Final = parsed(DEPLOY / "compose.yaml")
SERVICES: Final[dict[str, dict[str, Any]]] = COMPOSE["services"]
OURS: Final = [name for name, service in SERVICES.items() if "build" in service]


def environment(name: str, **given: str) -> dict[str, str]:
    """What a service's environment is where only these variables are set outside."""
    values = SERVICES[name].get("environment", {})
    return {key: _VARIABLE.sub(lambda use: given.get(use[1], use[2]), value) for key, value in values.items()}


def settings_of(name: str) -> Settings:
    return load(environment=environment(name))


def kafka_listeners() -> dict[str, int]:
    """Port of each listener of the broker, by name."""
    listeners = environment("kafka")["KAFKA_LISTENERS"].split(",")
    return {name: int(port) for name, port in (each.split("://:") for each in listeners)}


def ports_inside(name: str) -> set[int]:
    """The ports that a service listens on."""
    if name == "kafka":
        return set(kafka_listeners().values())
    if name in OURS:
        return {settings_of(name).web_port}
    return {"clickhouse": {_NATIVE, _HTTP}, "prometheus": {_PROMETHEUS}}[name]


def mounts() -> list[tuple[str, str]]:
    return [(name, volume) for name, service in SERVICES.items() for volume in service.get("volumes", ())]


def test_the_file_is_as_compose_reads_it() -> None:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec"]
    done = subprocess.run(
        [*command, str(DEPLOY / "compose.yaml")], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_it_holds_everything_that_a_distributed_relasi_is_made_of() -> None:
    assert set(SERVICES) == {"kafka", "clickhouse", "topics", "worker", "prometheus"}
    assert SERVICES["worker"]["deploy"]["replicas"] == 2
    assert set(OURS) == {"topics", "worker"}


@pytest.mark.parametrize("name", OURS)
def test_every_setting_exists_and_can_be_used(name: str) -> None:
    known = {PREFIX + option.name.upper() for option in fields(Settings)}
    given = {key for key in environment(name) if key.startswith(PREFIX)}
    assert {"RELASI_BROKER", "RELASI_CLICKHOUSE"} <= given <= known
    assert given == set(environment(name)), "what is no setting has no use here"
    settings_of(name)


@pytest.mark.parametrize("name", OURS)
def test_workers_find_the_broker_and_the_server(name: str) -> None:
    settings = settings_of(name)
    advertised = environment("kafka")["KAFKA_ADVERTISED_LISTENERS"].split(",")
    assert [f"INTERNAL://{server}" for server in settings.servers] == [advertised[0]]
    assert settings.servers == [f"kafka:{kafka_listeners()['INTERNAL']}"]
    address = Address.parse(settings.clickhouse)
    server = environment("clickhouse")
    assert (address.host, address.port, address.http_port) == ("clickhouse", _NATIVE, _HTTP)
    assert (address.user, address.password, address.database) == (
        server["CLICKHOUSE_USER"],
        server["CLICKHOUSE_PASSWORD"],
        server["CLICKHOUSE_DB"],
    )


def test_a_password_is_given_once_and_reaches_both_sides() -> None:
    given = {"CLICKHOUSE_PASSWORD": "p%40ss"}
    worker, server = environment("worker", **given), environment("clickhouse", **given)
    assert urlsplit(worker["RELASI_CLICKHOUSE"]).password == server["CLICKHOUSE_PASSWORD"] == "p%40ss"


@pytest.mark.parametrize("name", OURS)
def test_every_command_exists(name: str) -> None:
    words = SERVICES[name]["command"]
    assert arguments(words).command == words[0]


@pytest.mark.parametrize("name", [name for name in SERVICES if name != "topics"])
def test_every_service_that_stays_is_watched(name: str) -> None:
    check = shlex.join(SERVICES[name]["healthcheck"]["test"])
    assert any(str(port) in check for port in ports_inside(name)), check
    assert SERVICES[name]["restart"] == "unless-stopped"


def test_services_start_in_order() -> None:
    assert SERVICES["topics"]["depends_on"] == {"kafka": {"condition": "service_healthy"}}
    assert SERVICES["worker"]["depends_on"]["topics"] == {"condition": "service_completed_successfully"}


@pytest.mark.parametrize(("name", "port"), [(n, port) for n, s in SERVICES.items() for port in s.get("ports", ())])
def test_ports_are_published_on_the_loopback_and_are_listened_on(name: str, port: str) -> None:
    address, _, inside = port.rsplit(":", 2)
    assert address == "127.0.0.1"
    assert int(inside) in ports_inside(name)


def test_programs_of_this_machine_reach_the_broker() -> None:
    advertised = environment("kafka")["KAFKA_ADVERTISED_LISTENERS"].split(",")
    outside = next(each for each in advertised if each.startswith("HOST://")).removeprefix("HOST://")
    (published,) = SERVICES["kafka"]["ports"]
    assert published == f"{outside}:{kafka_listeners()['HOST']}"


def test_every_file_that_is_mounted_exists_and_every_volume_is_declared() -> None:
    named = set()
    for name, volume in mounts():
        source = volume.split(":")[0]
        if source.startswith("."):
            assert (DEPLOY / source).is_file(), f"{name} mounts {source}"
            assert volume.endswith(":ro"), f"{name} could change {source}"
        else:
            named.add(source)
    assert named == set(COMPOSE["volumes"])


def test_data_outlive_their_containers() -> None:
    kafka = environment("kafka")["KAFKA_LOG_DIRS"]
    assert {volume.partition(":")[2] for _, volume in mounts() if not volume.startswith(".")} == {
        kafka,
        "/var/lib/clickhouse",
        "/prometheus",
    }


@pytest.mark.parametrize("name", [name for name in SERVICES if name not in OURS])
def test_images_have_a_version(name: str) -> None:
    version = SERVICES[name]["image"].partition(":")[2]
    assert re.match(r"v?\d+\.\d+", version), SERVICES[name]["image"]


def test_the_broker_is_of_the_version_that_the_tests_run_on() -> None:
    assert SERVICES["kafka"]["image"] == f"apache/kafka:{kafka_broker.VERSION}"


def test_prometheus_scrapes_the_workers() -> None:
    config = parsed(DEPLOY / "prometheus" / "prometheus.yml")
    ((job,),) = [config["scrape_configs"]]
    (found,) = job["dns_sd_configs"]
    assert found["names"] == ["worker"]
    assert found["port"] == settings_of("worker").web_port
    assert settings_of("worker").web_host == "0.0.0.0"
    mounted = {Path(volume.split(":")[1]) for name, volume in mounts() if name == "prometheus"}
    assert {Path("/etc/prometheus") / file for file in config["rule_files"]} <= mounted


def test_alerts_ask_for_metrics_that_a_worker_has() -> None:
    (group,) = parsed(DEPLOY / "prometheus" / "alerts.yml")["groups"]
    asked = {name for rule in group["rules"] for name in re.findall(r"relasi_\w+", rule["expr"])}
    families = text_string_to_metric_families(Metrics().page().decode())
    counted = {family.name + ("_total" if family.type == "counter" else "") for family in families}
    assert asked
    assert asked <= counted


def test_the_analyst_reads_only_and_has_the_password_of_the_compose_file() -> None:
    users = ET.parse(DEPLOY / "clickhouse" / "users.d" / "analyst.xml")
    assert users.findtext("profiles/analyst/readonly") == "2"
    password = users.find("users/analyst/password")
    assert password is not None
    assert password.attrib["from_env"] in environment("clickhouse")
    granted = [query.text for query in users.findall("users/analyst/grants/query")]
    views = re.findall(r"^CREATE OR REPLACE VIEW (\w+)", "\n".join(statements()), re.MULTILINE)
    database = environment("clickhouse")["CLICKHOUSE_DB"]
    assert granted == [f"GRANT SELECT, SHOW ON {database}.{view}" for view in sorted(views)]


def copied() -> list[str]:
    """What the Dockerfile copies from the checkout."""
    lines = (DEPLOY / "Dockerfile").read_text().splitlines()
    words = [shlex.split(line)[1:-1] for line in lines if line.startswith("COPY ")]
    return [word for line in words for word in line if not word.startswith("--")]


def test_the_image_holds_what_the_code_needs() -> None:
    needed = {"deploy/requirements.lock", "pyproject.toml", "processors", "schemas", "streams", "deploy/clickhouse"}
    assert needed <= set(copied())
    assert [source for source in copied() if not (ROOT / source).exists()] == []


def test_the_build_sees_what_it_copies_and_nothing_else() -> None:
    lines = (DEPLOY / "Dockerfile.dockerignore").read_text().splitlines()
    assert "*" in lines
    assert {line[1:] for line in lines if line.startswith("!")} == set(copied())


def test_the_image_exposes_the_port_of_its_pages() -> None:
    lines = (DEPLOY / "Dockerfile").read_text().splitlines()
    assert f"EXPOSE {settings_of('worker').web_port}" in lines
    assert 'ENTRYPOINT ["relasi"]' in lines
