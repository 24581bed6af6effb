"""`hops init`: a configuration that works, made of the files in conf/ and a few answers."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
from configobj import ConfigObj

from hops import site
from hops.console import print_json, say
from hops.errors import Problem
from hops.options import HELP, json_option
from hops.shipped import SHIPPED

MAIN, HANDLER, COLLECTOR = (
    "diamond.conf",
    "handlers/GraphiteHandler.conf",
    "collectors/StabilityCollector.conf",
)
# What Diamond, Python's logging and ConfigObj each read in their own way.
SPECIAL = re.compile(r"[\x00-\x1f\x7f%,#'\"\\=]")

GRAPHITE_URL = "http://127.0.0.1:8080"

# What is configured there logs where the templates say; all else keeps to its own folder.
SYSTEM = Path("/etc")
SYSTEM_LOGS = Path("/var/log/diamond")


@dataclass
class Answers:
    """What the administrator says; None or nothing: what the template says."""

    scanners: dict[str, str]
    coils: dict[str, str]
    carbon: tuple[str, int] | None
    graphite_url: str | None
    timezone: str | None


# -- options -------------------------------------------------------------------------------


def _folder(context: click.Context, parameter: click.Parameter, path: Path) -> Path:
    folder = path.absolute()
    if SPECIAL.search(str(folder)):
        raise click.BadParameter(
            f"{str(folder)!r}: choose a folder without quotes and %,#=\\ in its path."
        )
    return folder


def _accepted(**settings: object) -> None:
    """Raises BadParameter with what the collector says against the settings."""
    try:
        site.check(settings)
    except Problem as problem:
        raise click.BadParameter(problem.message) from None


def _scanner(text: str) -> tuple[str, str]:
    location, equals, folder = (part.strip() for part in text.partition("="))
    if not equals:
        raise click.BadParameter(
            f"{text!r}: expected LOCATION=FOLDER as in Harvard/Northwest/Bay1=/mnt/scanner/bay1."
        )
    _accepted(scanners={location: folder})
    return location, folder


def _coil(text: str) -> tuple[str, str]:
    channels, equals, name = (part.strip() for part in text.partition("="))
    _accepted(coils={channels: name if equals else channels})
    return channels, name if equals else channels


def _carbon(text: str) -> tuple[str, int]:
    host, _, port = text.strip().rpartition(":")
    host = host.strip("[]")
    is_port = re.fullmatch(r"[0-9]{1,5}", port) and 0 < int(port) < 65536
    if not is_port or not re.fullmatch(r"[\w.:-]+", host):
        raise click.BadParameter(f"{text!r}: expected HOST:PORT as in 127.0.0.1:2003.")
    return host, int(port)


def _graphite_url(text: str) -> str:
    _accepted(graphite_url=text)
    return text


def _timezone(text: str) -> str:
    _accepted(timezone=text)
    return text


def _each(read: Callable[[str], Any]) -> Callable[..., Any]:
    """A callback that reads an option, or each of an option that may be given several times."""

    def callback(context: click.Context, parameter: click.Parameter, given: Any) -> Any:
        if isinstance(given, tuple):
            return dict(map(read, given))
        return None if given is None else read(given)

    return callback


# -- the command ---------------------------------------------------------------------------


@click.command(
    context_settings=HELP,
    epilog="Examples: hops init /etc/diamond | hops init /etc/diamond "
    "--scanner Harvard/Northwest/Bay1=/mnt/scanner/bay1 --coil 32 --carbon graphite:2003 "
    "--graphite-url http://graphite:8080 --timezone America/New_York",
)
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path), callback=_folder)
@click.option(
    "--scanner",
    "scanners",
    multiple=True,
    callback=_each(_scanner),
    metavar="LOCATION=FOLDER",
    help="A scanner, and the folder it writes its reports into; may be given again.",
)
@click.option(
    "--coil",
    "coils",
    multiple=True,
    callback=_each(_coil),
    metavar="CHANNELS[=NAME]",
    help="A coil's receive channels, and its name in metric paths; may be given again.  "
    "[default: 32, 48 and 64]",
)
@click.option(
    "--carbon",
    callback=_each(_carbon),
    metavar="HOST:PORT",
    help="Where carbon takes lines.  [default: 127.0.0.1:2003]",
)
@click.option(
    "--graphite-url",
    callback=_each(_graphite_url),
    help="Address of graphite-web, which is asked for each report before it is archived.",
)
@click.option(
    "--timezone",
    callback=_each(_timezone),
    help="Of the scanners' clocks, like America/New_York.  [default: this machine's]",
)
@json_option
def main(
    folder: Path,
    scanners: dict[str, str],
    coils: dict[str, str],
    carbon: tuple[str, int] | None,
    graphite_url: str | None,
    timezone: str | None,
    as_json: bool,
) -> None:
    """Write Diamond's configuration for your scanners into DIR.

    In a terminal you are asked for what is not given, but with --json. Nothing that is there is
    overwritten.
    """
    _refuse_what_is_there(folder)
    answers = Answers(scanners, coils, carbon, graphite_url, timezone)
    if sys.stdin.isatty() and not as_json:
        _ask(answers)
    if not answers.scanners:
        raise click.UsageError("Name a scanner: --scanner LOCATION=FOLDER.")
    _accepted(scanners=answers.scanners, coils=answers.coils)
    texts = {
        MAIN: _main_text(folder),
        HANDLER: _handler_text(answers),
        COLLECTOR: _collector_text(answers),
    }
    _make_folder(_logs(folder))
    _write(folder, texts)
    if as_json:
        print_json({"files": [str(folder / name) for name in texts]})
        return
    for name in texts:
        say(f"Written: {folder / name}")
    say("\nNow look at the whole road, and start Diamond when nothing fails:")
    say(f"  hops doctor -c {folder / MAIN}")
    say(f"  diamond3 -c {folder / MAIN}")


def _refuse_what_is_there(folder: Path) -> None:
    files = [folder / name for name in (MAIN, HANDLER, COLLECTOR)]
    there = [str(file) for file in files if os.path.lexists(file)]
    if there:
        raise Problem(
            f"{', '.join(there)} is there, and nothing was written: edit it, or choose another DIR."
        )


def _ask(answers: Answers) -> None:
    """Asks for what was not given as an option."""
    if not answers.scanners:
        say("A scanner is LOCATION=FOLDER, as in Harvard/Northwest/Bay1=/mnt/scanner/bay1.")
        answers.scanners.update([click.prompt("Scanner", value_proc=_scanner)])
        while more := click.prompt("Another, or nothing", "", False, value_proc=_scanner_or_none):
            answers.scanners.update([more])
    if not answers.coils:
        coils = click.prompt("Receive channels of the coils", "32 48 64", value_proc=_coils)
        answers.coils.update(coils)
    if answers.carbon is None:
        answers.carbon = click.prompt("carbon", "127.0.0.1:2003", value_proc=_carbon)
    if answers.graphite_url is None:
        answers.graphite_url = click.prompt("graphite-web", GRAPHITE_URL, value_proc=_graphite_url)
    if answers.timezone is None:
        text = "Time zone of the scanners, like America/New_York; or nothing for this machine's"
        answers.timezone = click.prompt(text, "", show_default=False, value_proc=_timezone)


def _scanner_or_none(text: str) -> tuple[str, str] | None:
    return _scanner(text) if text else None


def _coils(text: str) -> dict[str, str]:
    return dict(map(_coil, text.split()))


# -- the files -----------------------------------------------------------------------------


def _template(name: str, as_is: bool = False) -> ConfigObj:
    """A template, whose comments stay; `as_is`: values are text that is neither read nor quoted."""
    path = SHIPPED / "conf" / name
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError:
        raise Problem(f"The template {path} is missing: install hops again.") from None
    return ConfigObj(lines, interpolation=False, list_values=not as_is, write_empty_values=True)


def _logs(folder: Path) -> Path:
    """The folder of Diamond's log for a configuration in `folder`."""
    return SYSTEM_LOGS if folder.is_relative_to(SYSTEM) else folder


def _main_text(folder: Path) -> str:
    conf = _template(MAIN, as_is=True)
    collectors = str((folder / COLLECTOR).parent)
    conf["server"].update(
        {
            "handlers_config_path": str((folder / HANDLER).parent),
            "collectors_config_path": collectors,
            # There is nothing in it to load, as the collector is installed with hops.
            "collectors_path": collectors,
            "pid_file": str(_logs(folder) / "diamond.pid"),
        }
    )
    log = conf["handler_rotated_file"]
    log["args"] = log["args"].replace(str(SYSTEM_LOGS), str(_logs(folder)))
    return _text(conf)


def _handler_text(answers: Answers) -> str:
    conf = _template(HANDLER)
    if answers.carbon:
        conf["host"], conf["port"] = answers.carbon
    return _text(conf)


def _collector_text(answers: Answers) -> str:
    conf = _template(COLLECTOR)
    conf["graphite_url"] = answers.graphite_url or ""
    conf["timezone"] = answers.timezone or ""
    conf["scanners"].update(answers.scanners)
    if answers.coils:
        conf["coils"] = answers.coils
    return _text(conf)


def _text(conf: ConfigObj) -> str:
    lines: list[str] = conf.write()
    return "\n".join(lines) + "\n"


def _write(folder: Path, texts: Mapping[str, str]) -> None:
    for name, text in texts.items():
        path = folder / name
        _make_folder(path.parent)
        try:
            with path.open("x", encoding="utf-8") as file:
                file.write(text)
        except OSError as error:
            raise Problem(f"{path} cannot be written ({error.strerror}).") from None


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Problem(f"The folder {folder} cannot be made ({error.strerror}).") from None
