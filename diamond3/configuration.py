"""Diamond's main configuration file, read to tell what is wrong with it in a sentence."""

from typing import Any

import configobj

from diamond3.errors import DiamondError


def server_settings(configfile: str) -> Any:
    """The [server] section of Diamond's main configuration file, a mapping.

    Raises:
        DiamondError: the file cannot be read or understood, or has no such section.
    """
    try:
        config = configobj.ConfigObj(configfile, file_error=True)
    except OSError as error:
        reason = error.strerror or "there is no such file"
        raise DiamondError(
            f"cannot read the configuration {configfile} ({reason}); name another one with -c"
        ) from None
    except (configobj.ConfigObjError, UnicodeDecodeError) as error:
        raise DiamondError(
            f"cannot understand the configuration {configfile} ({error}); correct it"
        ) from None
    if "server" not in config:
        raise DiamondError(f"the configuration {configfile} has no [server] section; add it")
    return config["server"]
