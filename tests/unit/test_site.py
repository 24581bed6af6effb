"""A site as Diamond's configuration tells of it."""

from pathlib import Path

import click
import pytest

from hops import site
from hops.errors import Problem

COLLECTOR = """\
enabled = True
graphite_url = {url}
timezone = UTC
hostname = collector1
[scanners]
Harvard/Northwest/Bay1 = /mnt/scanner/bay1
[coils]
32 = 32
"""


@pytest.fixture
def conf(tmp_path: Path) -> Path:
    return configuration(tmp_path, "http://user:secret@graphite:8080")


def configuration(folder: Path, url: str, more: str = "") -> Path:
    collectors = folder / "collectors"
    collectors.mkdir()
    (collectors / "StabilityCollector.conf").write_text(more + COLLECTOR.format(url=url))
    conf = folder / "diamond.conf"
    conf.write_text(f"[server]\ncollectors_config_path = {collectors}\n")
    return conf


def test_scanners_paths_and_graphite_are_what_the_collector_has(conf: Path) -> None:
    found = site.load(conf)
    scanner = found.scanner("Harvard/Northwest/Bay1")
    assert (scanner.path, scanner.folder) == ("Harvard.Northwest.Bay1", "/mnt/scanner/bay1")
    assert found.prefix == "servers.collector1.StabilityCollector"
    path = "servers.collector1.StabilityCollector.Harvard.Northwest.Bay1"
    assert found.path("Harvard/Northwest/Bay1") == path
    assert found.graphite().address == "http://graphite:8080"
    assert found.settings.coils == {32: "32"}


@pytest.mark.parametrize(
    ("of_handlers", "of_collectors", "is_read"),
    [
        ("default", "default", True),
        ("handlersDefault", "collectorsDefault", True),
        ("handlersDefault", "default", False),
    ],
)
def test_defaults_are_those_that_the_configurations_own_diamond_reads(
    tmp_path: Path, of_handlers: str, of_collectors: str, is_read: bool
) -> None:
    """diamond-next, the fork, has other names for them, and reads no [[default]]."""
    conf = tmp_path / "diamond.conf"
    conf.write_text(
        f"[server]\n[handlers]\n[[{of_handlers}]]\ntimeout = 7\n[collectors]\n"
        f"[[{of_collectors}]]\nhostname = theirs\npath_prefix = diamond.virtual\n"
    )
    found = site.load(conf)
    assert (found.prefix == "diamond.virtual.theirs.StabilityCollector") is is_read
    assert found.config["handlers"]["default"] == {"timeout": "7"}


def test_an_unknown_scanner_is_told_with_those_that_are_there(conf: Path) -> None:
    with pytest.raises(click.BadParameter, match="there are: Harvard/Northwest/Bay1"):
        site.load(conf).scanner("Harvard/Bay2")


def test_without_an_address_of_graphite_it_says_where_to_name_it(tmp_path: Path) -> None:
    with pytest.raises(Problem, match="graphite_url is empty: name graphite-web's address"):
        site.load(configuration(tmp_path, "")).graphite()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (None, "cannot read the configuration"),
        ("[server\n", "cannot understand the configuration"),
        ("[handlers]\n", r"has no \[server\] section"),
    ],
)
def test_a_configuration_that_is_none_is_told_in_a_sentence(
    tmp_path: Path, text: "str | None", sentence: str
) -> None:
    conf = tmp_path / "diamond.conf"
    if text is not None:
        conf.write_text(text)
    with pytest.raises(Problem, match=sentence):
        site.load(conf)


def test_what_the_collector_refuses_is_told_with_its_key(tmp_path: Path) -> None:
    conf = configuration(tmp_path, "", "precision = many\n")
    with pytest.raises(Problem, match="StabilityCollector: precision = 'many': expected decimals"):
        site.load(conf)


def test_a_broken_file_of_the_collector_is_told(tmp_path: Path) -> None:
    conf = configuration(tmp_path, "", "[scanners\n")
    with pytest.raises(Problem, match=r"StabilityCollector\.conf"):
        site.load(conf)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("path_prefix = a, b", "path_prefix = ['a', 'b']: expected one value"),
        ("hostname = a, b", "hostname = ['a', 'b']: expected one value"),
        ("hostname_method = nope", "hostname_method = 'nope': expected a method of Diamond's"),
        ("interval = 5m", "interval = '5m': expected a number of more than 0, like 60"),
        ("metrics_whitelist = *.SNR", "metrics_whitelist = '*.SNR': expected a regular expression"),
    ],
)
def test_a_value_of_diamonds_own_that_cannot_be_used_is_named_in_a_sentence(
    tmp_path: Path, line: str, told: str
) -> None:
    conf = tmp_path / "diamond.conf"
    conf.write_text(f"[server]\n[collectors]\n[[StabilityCollector]]\n{line}\n")
    with pytest.raises(Problem) as raised:
        site.load(conf)
    assert told in raised.value.message
