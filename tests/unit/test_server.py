"""server/ names what is in the repository, and one thing alike everywhere."""

from __future__ import annotations

import configparser
import re
import runpy
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml
from commands import hops

from grafana.provisioning import GRAFANA_DIR, GRAPHITE_URL
from hops import site

ROOT = Path(__file__).resolve().parents[2]
SERVER = ROOT / "server"
COMPOSE: dict[str, Any] = yaml.safe_load((SERVER / "compose.yaml").read_text(encoding="utf-8"))
SERVICES = COMPOSE["services"]
DOCKERFILE = (SERVER / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
PAGE = (ROOT / "docs/how-to/run-it-all-in-containers.md").read_text(encoding="utf-8")
INGREDIENTS = (SERVER / "Dockerfile.dockerignore").read_text(encoding="utf-8").splitlines()


def mounts(service: str) -> dict[str, str]:
    """What is mounted where."""
    pairs = (volume.rpartition(":ro")[0] or volume for volume in SERVICES[service]["volumes"])
    return {target: source for source, _, target in (each.rpartition(":") for each in pairs)}


def is_ingredient(path: str) -> bool:
    """Whether the building of an image may see it."""
    allowed = [line[1:] for line in INGREDIENTS if line.startswith("!")]
    return any(path == each or path.startswith(f"{each}/") or Path(path).match(each)
               for each in allowed)  # fmt: skip


def test_every_mounted_folder_of_the_repository_and_every_volume_is_there() -> None:
    sources = [source for service in SERVICES for source in mounts(service).values()]
    assert "../grafana/dashboards" in sources
    for source in sources:
        if source.startswith("../"):
            assert (SERVER / source).is_dir()
        elif not source.startswith(("./", "${")):
            assert source in COMPOSE["volumes"]
    assert f"mkdir {mounts('hops')['/etc/diamond'].lstrip('./')}\n" in PAGE


def test_every_image_is_pinned_or_built_here() -> None:
    stages = re.findall(r"^FROM (\S+) AS (\w+)$", DOCKERFILE, re.MULTILINE)
    assert {image for image, _ in stages} == {"debian:trixie-slim"}
    built = set()
    for service in SERVICES.values():
        if "build" in service:
            assert (ROOT / service["build"]["dockerfile"]).is_file()
            assert service["build"]["target"] in {name for _, name in stages}
            built.add(service.get("image"))
    for service in SERVICES.values():
        image = service.get("image")
        assert image in built or re.search(r":\d+\.\d+\.\d+$", image)


def test_what_an_image_is_made_of_is_there_and_not_ignored() -> None:
    copied = re.findall(r"^COPY (?!--)(.*) \S+$", DOCKERFILE, re.MULTILINE)
    for source in " ".join(copied).split():
        assert (ROOT / source).exists()
        assert source == "." or is_ingredient(source)
    setup = (ROOT / "setup.py").read_text(encoding="utf-8")
    named = re.findall(r"^SHIPPED = (.*)$|include=(.*?\])", setup, re.MULTILINE)
    needed = ["setup.py", "pyproject.toml", "README.md"]
    needed += [path.name for path in ROOT.glob("stability_*.py")]
    needed += re.findall(r'"([\w/]+)\*?"', str(named).replace("'", " "))
    assert len(needed) > 15
    assert [path for path in needed if not is_ingredient(path)] == []


def test_the_ports_and_names_agree() -> None:
    carbon = configparser.ConfigParser()
    carbon.read(ROOT / "graphite/carbon.conf")
    line, query = (carbon["cache"][f"{name}_PORT"] for name in ("LINE_RECEIVER", "CACHE_QUERY"))
    settings = runpy.run_path(str(SERVER / "local_settings.py"))
    grafana = SERVICES["grafana"]["environment"]
    graphite_url = grafana[GRAPHITE_URL]
    web = graphite_url.rpartition(":")[2]
    assert settings["CARBONLINK_HOSTS"] == [f"carbon:{query}"]
    assert f"'127.0.0.1', {line})" in SERVICES["carbon"]["healthcheck"]["test"]
    assert f"--bind 0.0.0.0:{web} " in SERVICES["graphite"]["command"][-1]
    assert f"//127.0.0.1:{web}/" in SERVICES["graphite"]["healthcheck"]["test"]
    assert f"--carbon carbon:{line} --graphite-url {graphite_url} " in PAGE
    assert {"carbon", "graphite"} <= set(SERVICES)
    assert settings["STORAGE_DIR"] in mounts("carbon")
    assert mounts("carbon") == mounts("graphite")


def test_grafana_finds_dashboards_and_provisioning() -> None:
    variables = SERVICES["grafana"]["environment"]
    places = mounts("grafana")
    assert places[variables["GF_PATHS_PROVISIONING"]] == "../grafana/provisioning"
    assert places[f"{variables[GRAFANA_DIR]}/dashboards"] == "../grafana/dashboards"
    home = Path(variables["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"])
    assert (SERVER / places[str(home.parent)] / home.name).is_file()


def test_every_variable_has_a_default_or_is_in_the_example() -> None:
    text = (SERVER / "compose.yaml").read_text(encoding="utf-8")
    example = (SERVER / "example.env").read_text(encoding="utf-8")
    given = dict(re.findall(r"^(\w+)=(.*)$", example, re.MULTILINE))
    used = re.findall(r"\$\{(\w+):([-?])(.*?)\}", text)
    assert {name for name, _, _ in used} == set(given)
    assert all(given[name] == default for name, kind, default in used if kind == "-")


def test_what_the_page_has_hops_init_write_is_accepted(tmp_path: Path) -> None:
    [command] = re.findall(r"hops (hops init .*?)\n *```", PAGE.replace("\\\n", " "), re.DOTALL)
    _, name, folder, *options = shlex.split(command)
    assert folder in mounts("hops")
    done = hops(name, tmp_path / "diamond", *options)
    assert done.exit_code == 0, done.output
    found = site.load(tmp_path / "diamond" / "diamond.conf")
    below = next(target for target in mounts("hops") if target != folder)
    assert all(scanner.folder.startswith(f"{below}/") for scanner in found.settings.scanners)


@pytest.mark.parametrize("service", ["hops", "carbon", "graphite"])
def test_nothing_of_ours_runs_as_root(service: str) -> None:
    target = SERVICES[service].get("build", SERVICES["carbon"]["build"])["target"]
    stage = DOCKERFILE.partition(f" AS {target}\n")[2].partition("\nFROM ")[0]
    [user] = re.findall(r"^USER (\w+)$", stage, re.MULTILINE)
    number = re.search(rf"useradd --uid (\d+) .*{user}", stage)
    assert number
    assert int(number[1]) >= 10000
    assert SERVICES[service]["cap_drop"] == ["ALL"]
    assert SERVICES[service]["read_only"]
