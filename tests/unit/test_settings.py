"""Settings: the file, the environment before it, and a clear sentence for what is wrong."""

from pathlib import Path

import pytest

from streams.settings import Settings, SettingsError, load


def write(folder: Path, text: str) -> Path:
    path = folder / "relasi.toml"
    path.write_text(text)
    return path


def test_without_file_and_environment_everything_has_its_default() -> None:
    assert load(None, {}) == Settings()


def test_the_environment_goes_before_the_file(tmp_path: Path) -> None:
    path = write(tmp_path, 'prefix = "shop"\nweb_port = 7000\ntick_seconds = 5\n')
    found = load(path, {"RELASI_WEB_PORT": "7001", "RELASI_CHECKPOINT_SECONDS": "0.25", "HOME": "/"})
    assert (found.prefix, found.web_port, found.tick_seconds, found.checkpoint_seconds) == ("shop", 7001, 5.0, 0.25)


def test_paths_and_several_brokers(tmp_path: Path) -> None:
    found = load(None, {"RELASI_DATA": str(tmp_path), "RELASI_BROKER": "kafka://a:1;kafka://b:2"})
    assert found.data == tmp_path
    assert found.servers == ["a:1", "b:2"]


@pytest.mark.parametrize(
    ("variable", "value", "says"),
    [
        ("RELASI_BROKER", "localhost:9092", "kafka://host:port"),
        ("RELASI_CLICKHOUSE", "http://localhost", "clickhouse://"),
        ("RELASI_TICKS", "sundial", "clock or log"),
        ("RELASI_WEB_PORT", "70000", "a port"),
        ("RELASI_WEB_PORT", "many", "a whole number"),
        ("RELASI_CHECKPOINT_SECONDS", "0", "more than 0"),
        ("RELASI_CHECKPOINT_SECONDS", "soon", "a number"),
        ("RELASI_PREFIX", "", "letters"),
        ("RELASI_PREFIX", "käse", "letters"),
        ("RELASI_PARTITIONS", "0", "1 or more"),
        ("RELASI_LOG_FORMAT", "xml", "json or text"),
    ],
)
def test_a_wrong_value_is_named_with_its_variable(variable: str, value: str, says: str) -> None:
    with pytest.raises(SettingsError, match=says) as raised:
        load(None, {variable: value})
    assert variable in str(raised.value)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('colour = "red"', "no such setting: colour"),
        ("web_port = true", "a text or a number"),
        ("web_port = 1.5", "web_port"),
        ("prefix = [1]", "a text or a number"),
        ("prefix =", "can't be read"),
    ],
)
def test_a_wrong_file_is_named(tmp_path: Path, text: str, says: str) -> None:
    path = write(tmp_path, text)
    with pytest.raises(SettingsError, match=says) as raised:
        load(path, {})
    assert str(path) in str(raised.value)


def test_a_file_that_was_asked_for_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="can't be read"):
        load(tmp_path / "none.toml", {})
