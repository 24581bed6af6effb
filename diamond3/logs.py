"""Diamond's log, as its configuration file describes it."""

import configparser
import logging.config
import logging.handlers
import os
import sys

from diamond3.errors import DiamondError

# As Diamond's own, which gives each error a second line with a place in the program's text.
FORMAT = "%(created)s\t[%(processName)s:%(process)d:%(levelname)s]\t%(message)s"


def configure(configfile: str) -> None:
    """Set up logging from the `[loggers]`, `[handlers]` and `[formatters]` of `configfile`.

    diamond.conf is written for ConfigObj, whose `[[sections]]` may occur several times (there is
    a `[[default]]` among the handlers and one among the collectors). Python 2's ConfigParser
    allowed that, and comments after a value; Python 3's has to be told.

    Raises:
        DiamondError: nothing would be logged.
    """
    parser = configparser.ConfigParser(strict=False, inline_comment_prefixes=(";",))
    try:
        with open(configfile, encoding="utf-8", errors="surrogateescape") as file:
            parser.read_file(file)
        logging.config.fileConfig(parser, disable_existing_loggers=False)
    except OSError as error:
        raise DiamondError(
            f"the log {error.filename}, which {configfile} names, cannot be written "
            f"({error.strerror}); create its folder, and let Diamond's user write to it"
        ) from None
    except Exception as error:  # a class, its arguments: anything may be named there
        raise DiamondError(
            f"the logging described in {configfile} cannot be set up "
            f"({type(error).__name__}: {error}); "
            "correct its [loggers], [handlers] and [formatters] sections, or log to the terminal "
            "with -l"
        ) from None


def refuse_a_folder_that_is_not_ours() -> None:
    """Whoever writes to a log that another program rotates has to make the new one.

    Raises:
        DiamondError: that would fail, and every line then be lost.
    """
    for handler in logging.getLogger().handlers + logging.getLogger("diamond").handlers:
        if isinstance(handler, logging.handlers.WatchedFileHandler):
            folder = os.path.dirname(handler.baseFilename)
            if not os.access(folder, os.W_OK | os.X_OK):
                logging.disable(logging.CRITICAL)  # this could not be logged either
                raise DiamondError(
                    f"Diamond's user may not write to {folder}, and could not go on with a new log "
                    "there after a rotation; give it the folder with chown"
                )


def to_stdout() -> None:
    """Log everything to standard output."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(logging.Formatter(FORMAT))
    log = logging.getLogger("diamond")
    log.setLevel(logging.DEBUG)
    log.addHandler(handler)
