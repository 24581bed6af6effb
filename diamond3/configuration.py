"""Diamond's configuration files, read to tell what is wrong with one in a sentence."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import configobj

from diamond3.errors import DiamondError

SOURCES = ("handlers_config_path", "collectors_config_path")

# What diamond-next, the fork, has in the place of Diamond's [[default]].
NEXT = {"handlers": "handlersDefault", "collectors": "collectorsDefault"}


def server_settings(configfile: str) -> Any:
    """The [server] section of Diamond's main configuration file, a mapping.

    Raises:
        DiamondError: the file cannot be read or understood, or has no such section.
    """
    config = _read(configfile)
    if not isinstance(config.get("server"), dict):
        raise DiamondError(f"the configuration {configfile} has no [server] section; add it")
    return config["server"]


def load(configfile: str) -> Any:
    """All of Diamond's configuration, with that of its handlers and collectors, a mapping.

    Raises:
        DiamondError: a file cannot be read or understood.
    """
    from diamond.utils.config import load_config

    server = server_settings(configfile)
    try:
        config = load_config(configfile)
    except Exception as error:  # whatever a file or a value in it brings about
        for path in _files(server):
            _check(path)
        raise DiamondError(
            f"the configuration {configfile} cannot be loaded ({type(error).__name__}: {error}); "
            "correct it"
        ) from error
    for kind in ("handlers", "collectors"):
        _refuse_lines_without_a_section(config, kind)
    return config


def is_for_next(config: Any) -> bool:
    """Whether Diamond's configuration, a mapping, is written for diamond-next."""
    return any(name in config.get(kind, {}) for kind, name in NEXT.items())


def listed(server: Any, key: str) -> list[str]:
    """The values of a key of [server], without those that are empty."""
    values = server.as_list(key) if key in server else []
    return [part.strip() for value in values for part in value.split(",") if part.strip()]


def place(config: Any, kind: str, name: str) -> str:
    """The file for a handler's or a collector's own configuration; `kind` is the section."""
    folder = config["server"].get(f"{kind}_config_path")
    path = Path(folder, f"{name}.conf") if isinstance(folder, str) else None
    if path and path.exists():
        return str(path)
    return f"{path}, which is not there" if path and name not in config[kind] else config.filename


def _read(path: str) -> Any:
    try:
        return configobj.ConfigObj(path, file_error=True)
    except OSError as error:
        reason = error.strerror or "there is no such file"
        raise DiamondError(
            f"cannot read the configuration {path} ({reason}); let Diamond's user read it, or name "
            "another one with -c"
        ) from None
    except (configobj.ConfigObjError, UnicodeDecodeError) as error:
        raise DiamondError(
            f"cannot understand the configuration {path} ({error}); correct it"
        ) from None


def _files(server: Any) -> Iterator[str]:
    for key in SOURCES:
        if isinstance(server.get(key), str):
            yield from map(str, sorted(Path(server[key]).glob("*.conf")))


def _check(path: str) -> None:
    from diamond.utils.config import str_to_bool

    config = _read(path)
    try:
        str_to_bool(config.get("enabled"))
    except NotImplementedError:
        raise DiamondError(
            f"enabled = {config['enabled']!r} in {path}: expected True or False; correct it"
        ) from None


def _refuse_lines_without_a_section(config: Any, kind: str) -> None:
    if not isinstance(config[kind], dict):
        raise DiamondError(f"{kind} in {config.filename} is no section; write [{kind}]")
    for key in config[kind].scalars:
        if (kind, key) != ("handlers", "keys"):  # which is for Python's logging
            raise DiamondError(
                f"{key!r} in [{kind}] of {config.filename} belongs to none of its parts; move it "
                f"below the [[...]] that it is meant for, or below [[default]]"
            )
