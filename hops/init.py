"""`hops init`: a configuration that works, made of the files in conf/ and a few options."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Collection, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import click
from configobj import ConfigObj

from hops import site
from hops.console import print_json, say
from hops.errors import Problem
from hops.options import HELP, examples, json_option
from hops.shipped import SHIPPED

MAIN, HANDLER, COLLECTOR, JUDGE = (
    "diamond.conf",
    "handlers/GraphiteHandler.conf",
    "collectors/StabilityCollector.conf",
    "collectors/StabilityControlCollector.conf",
)
# What Diamond, Python's logging and ConfigObj each read in their own way.
SPECIAL = re.compile(r"[\x00-\x1f\x7f%,#'\"\\=]")

# What is configured there logs where the templates say; all else keeps to its own folder.
SYSTEM = Path("/etc")
SYSTEM_LOGS = Path("/var/log/diamond")


# -- options -------------------------------------------------------------------------------


def _folder(context: click.Context, parameter: click.Parameter, path: Path) -> Path:
    folder = path.absolute()
    if SPECIAL.search(str(folder)):
        raise click.BadParameter(
            f"{str(folder)!r}: choose a folder without quotes and %,#=\\ in its path."
        )
    return folder


def _scanners(
    context: click.Context, parameter: click.Parameter, given: tuple[str, ...]
) -> dict[str, str]:
    parted = {text: text.partition("=") for text in given}
    for text, (_, equals, _) in parted.items():
        if not equals:
            raise click.BadParameter(
                f"{text!r}: expected LOCATION=FOLDER as in "
                "Harvard/Northwest/Bay1=/mnt/scanner/bay1."
            )
    return {location.strip(): folder.strip() for location, _, folder in parted.values()}


def _coils(
    context: click.Context, parameter: click.Parameter, given: tuple[str, ...]
) -> dict[str, str]:
    parted = (text.partition("=") for text in given)
    return {
        channels.strip(): (name if equals else channels).strip()
        for channels, equals, name in parted
    }


def _carbon(context: click.Context, parameter: click.Parameter, text: str) -> tuple[str, int]:
    host, _, port = text.strip().rpartition(":")
    host = host.strip("[]")
    is_port = re.fullmatch(r"[0-9]{1,5}", port) and 0 < int(port) < 65536
    if not is_port or not re.fullmatch(r"[\w.:-]+", host):
        raise click.BadParameter(f"{text!r}: expected HOST:PORT as in 127.0.0.1:2003.")
    return host, int(port)


# -- the command ---------------------------------------------------------------------------


@click.command(
    context_settings=HELP,
    epilog=examples(
        "hops init /etc/diamond --scanner Harvard/Northwest/Bay1=/mnt/scanner/bay1",
        "hops init /etc/diamond --scanner Bay1=/mnt/scanner/bay1 "
        "--scanner Bay2=/mnt/scanner/bay2 --coil 32 --carbon graphite:2003 "
        "--graphite-url http://graphite:8080 --timezone America/New_York",
    ),
)
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path), callback=_folder)
@click.option(
    "--scanner",
    "scanners",
    multiple=True,
    required=True,
    callback=_scanners,
    metavar="LOCATION=FOLDER",
    help="A scanner, and the folder it writes its reports into; may be given again.",
)
@click.option(
    "--coil",
    "coils",
    multiple=True,
    callback=_coils,
    metavar="CHANNELS[=NAME]",
    help="A coil's receive channels, and its name in metric paths; may be given again.  "
    "[default: 32, 48 and 64]",
)
@click.option(
    "--carbon",
    default="127.0.0.1:2003",
    show_default=True,
    callback=_carbon,
    metavar="HOST:PORT",
    help="Where carbon takes lines.",
)
@click.option(
    "--graphite-url",
    default="",
    help="Address of graphite-web, which is asked for each report before it is archived.",
)
@click.option(
    "--timezone",
    default="",
    help="Of the scanners' clocks, like America/New_York.  [default: this machine's]",
)
@json_option
def main(
    folder: Path,
    scanners: dict[str, str],
    coils: dict[str, str],
    carbon: tuple[str, int],
    graphite_url: str,
    timezone: str,
    as_json: bool,
) -> None:
    """Write Diamond's configuration for your scanners into DIR.

    Nothing that is there is overwritten.
    """
    _refuse_what_is_there(folder)
    settings = {
        "scanners": scanners,
        "graphite_url": graphite_url,
        "timezone": timezone,
        **({"coils": coils} if coils else {}),
    }
    try:
        site.check(settings)
    except Problem as problem:
        raise click.UsageError(problem.message) from None
    texts = {
        MAIN: _main_text(folder),
        HANDLER: _handler_text(carbon),
        COLLECTOR: _collector_text(settings),
        JUDGE: _text(_template(JUDGE)),
    }
    secret = {COLLECTOR} if "@" in urlsplit(graphite_url).netloc else set()
    _write(folder, texts, secret)
    if as_json:
        print_json({"files": [str(folder / name) for name in texts]})
        return
    for name in texts:
        say(f"Written: {folder / name}")
    for name in secret:
        say(
            f"A password is in {folder / name}: only {(folder / name).owner()} can read it. If "
            "Diamond runs as another user, give it to that one with chown."
        )
    say("\nNow look at the whole road, and start Diamond when nothing fails:")
    say(f"  hops doctor -c {folder / MAIN}")
    say(f"  diamond3 -c {folder / MAIN}")


def _refuse_what_is_there(folder: Path) -> None:
    files = [folder / name for name in (MAIN, HANDLER, COLLECTOR, JUDGE)]
    there = [str(file) for file in files if os.path.lexists(file)]
    if there:
        raise Problem(
            f"Nothing was written, as there is {', '.join(there)}: edit what is there, or choose "
            "another DIR."
        )


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
    log = conf["handler_file"]
    log["args"] = log["args"].replace(str(SYSTEM_LOGS), str(_logs(folder)))
    return _text(conf)


def _handler_text(carbon: tuple[str, int]) -> str:
    conf = _template(HANDLER)
    conf["host"], conf["port"] = carbon
    return _text(conf)


def _collector_text(settings: Mapping[str, object]) -> str:
    conf = _template(COLLECTOR)
    conf.update(settings)
    return _text(conf)


def _text(conf: ConfigObj) -> str:
    lines: list[str] = conf.write()
    return "\n".join(lines) + "\n"


def _write(folder: Path, texts: Mapping[str, str], secret: Collection[str]) -> None:
    try:
        _logs(folder).mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            mode = 0o600 if name in secret else 0o666
            with open(path, "x", encoding="utf-8", opener=partial(os.open, mode=mode)) as file:
                file.write(text)
            if name in secret and os.geteuid() == 0:
                _give(path)
    except OSError as error:
        raise Problem(
            f"{error.filename} cannot be made ({error.strerror}): choose another DIR."
        ) from None


def _give(path: Path) -> None:
    """Has a file belong to the user of the unit in conf/systemd, if there is one."""
    with suppress(LookupError):
        shutil.chown(path, "diamond")
