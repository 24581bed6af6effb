"""Runs a carbon or graphite-web; a script for the Graphite environment's Python.

    python serve.py carbon-cache CARBON_CONF INSTANCE
    python serve.py carbon-relay CARBON_CONF INSTANCE
    python serve.py web ADDRESS PORT STATIC_FOLDER

Standard input is a socket to whoever started us. We write one byte to it as soon as we listen,
and end when it closes, because then the other side has gone, even if it was killed.
"""

from __future__ import annotations

import builtins
import os
import signal
import sys
import threading
from contextlib import suppress
from pathlib import Path

# This folder, whose modules are not those that carbon and Django mean when they import.
del sys.path[0]

STARTER = 0
LAST_PATIENCE = 30  # seconds for writing what is in memory, once nobody is there to stop us


def main() -> None:
    threading.Thread(target=end_with_starter, daemon=True).start()
    what, *arguments = sys.argv[1:]
    if what == "web":
        run_web(*arguments)
    else:
        run_carbon(what, *arguments)


def end_with_starter() -> None:
    # Closed before our byte was read, the socket is reset: gone is gone.
    with suppress(ConnectionResetError):
        os.read(STARTER, 1)
    os.kill(os.getpid(), signal.SIGTERM)
    threading.main_thread().join(LAST_PATIENCE)
    os._exit(1)


def say_ready() -> None:
    os.write(STARTER, b"!")


def run_carbon(program: str, configuration: str, instance: str) -> None:
    from twisted.scripts.twistd import ServerOptions, runApp  # type: ignore[import-not-found]

    pidfile = Path(configuration).with_name(f"{program}-{instance}.pid")
    # Left by a carbon that was killed; its number may be another program's by now.
    pidfile.unlink(missing_ok=True)

    # Carbon looks for its name and instance here.
    vars(builtins).update(program=program, instance=instance)
    twistd = ["--nodaemon", "--no_save", "--pidfile", str(pidfile)]
    options = ServerOptions()
    options.parseOptions([*twistd, program, "--config", configuration, "--instance", instance])

    # Only now, because the options install the reactor and configure carbon.
    from twisted.internet import reactor  # type: ignore[import-not-found]

    reactor.callWhenRunning(say_ready)
    if program == "carbon-cache":
        from carbon.writer import writeCachedDataPoints  # type: ignore[import-not-found]

        # Carbon's writer looks for points once a second, and not again when it is to stop: those
        # of the last second would be lost.
        reactor.addSystemEventTrigger("after", "shutdown", writeCachedDataPoints)
    runApp(options)


def run_web(address: str, port: str, static: str) -> None:
    import django  # type: ignore[import-not-found]

    django.setup()

    from django.apps import apps  # type: ignore[import-not-found]
    from django.conf import settings  # type: ignore[import-not-found]
    from django.contrib.staticfiles.handlers import (  # type: ignore[import-not-found]
        StaticFilesHandler,
    )
    from django.core.management import call_command  # type: ignore[import-not-found]
    from django.core.wsgi import get_wsgi_application  # type: ignore[import-not-found]
    from twisted.internet import reactor
    from twisted.python import log  # type: ignore[import-not-found]
    from twisted.web.server import Site  # type: ignore[import-not-found]
    from twisted.web.wsgi import WSGIResource  # type: ignore[import-not-found]

    # Not in the place of sys.stderr: a thing without a file number breaks multiprocessing.
    log.startLogging(sys.stdout, setStdout=False)
    settings.STATICFILES_DIRS = [static]
    # Tables for events and saved dashboards, made as they are and not step by step.
    settings.MIGRATION_MODULES = {app.label: None for app in apps.get_app_configs()}
    call_command("migrate", run_syncdb=True, verbosity=0)
    application = StaticFilesHandler(get_wsgi_application())
    site = Site(WSGIResource(reactor, reactor.getThreadPool(), application))
    reactor.listenTCP(int(port), site, interface=address)
    reactor.callWhenRunning(say_ready)
    reactor.run()


if __name__ == "__main__":
    main()
