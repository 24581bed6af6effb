"""Diamond's log, as its configuration file describes it."""

import configparser
import logging.config
import sys


def configure(configfile: str) -> None:
    """Set up logging from the `[loggers]`, `[handlers]` and `[formatters]` of `configfile`.

    If that fails Diamond works without a log, as it always did, and says so on stderr.

    diamond.conf is written for ConfigObj, whose `[[sections]]` may occur several times (there is
    a `[[default]]` among the handlers and one among the collectors). Python 2's ConfigParser
    allowed that, and comments after a value; Python 3's has to be told.
    """
    parser = configparser.ConfigParser(strict=False, inline_comment_prefixes=(";",))
    try:
        with open(configfile, encoding="utf-8", errors="surrogateescape") as file:
            parser.read_file(file)
        logging.config.fileConfig(parser, disable_existing_loggers=False)
    except Exception as error:  # a class, its arguments: anything may be named there
        print(
            f"diamond3: the logging described in {configfile} cannot be set up "
            f"({type(error).__name__}: {error}), so nothing will be logged; "
            "correct its [loggers], [handlers] and [formatters] sections",
            file=sys.stderr,
        )
