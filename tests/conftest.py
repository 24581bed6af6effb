"""What holds for every test. Also read by Python 2.7 with pytest 4.6."""
import os


def pytest_terminal_summary(terminalreporter):
    if os.environ.get('CI') == 'true' and terminalreporter.stats.get('skipped'):
        terminalreporter.write_line('CI=true, so that nothing may be skipped: failed', red=True)


def pytest_sessionfinish(session):
    reporter = session.config.pluginmanager.get_plugin('terminalreporter')
    if os.environ.get('CI') == 'true' and reporter and reporter.stats.get('skipped'):
        session.exitstatus = 1
