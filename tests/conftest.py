"""What holds for every test. Also read by Python 2.7 with pytest 4.6."""
import os

SKIP_NOTHING = bool(os.environ.get('SKIP_NOTHING'))

# GNU readline, which pytest loads, tells all processes how wide a terminal is that is not there.
for _name in ('COLUMNS', 'LINES'):
    os.environ.pop(_name, None)
    os.unsetenv(_name)

# What hundreds of processes import is compiled once, whatever a shell or a container says.
os.environ.pop('PYTHONDONTWRITEBYTECODE', None)


def pytest_terminal_summary(terminalreporter):
    if SKIP_NOTHING and terminalreporter.stats.get('skipped'):
        terminalreporter.write_line('SKIP_NOTHING is set, and something was: failed', red=True)


def pytest_sessionfinish(session):
    reporter = session.config.pluginmanager.get_plugin('terminalreporter')
    if SKIP_NOTHING and reporter and reporter.stats.get('skipped'):
        session.exitstatus = 1
