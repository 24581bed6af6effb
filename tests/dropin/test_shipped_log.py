"""The log of conf/diamond.conf, written by several processes, while it is rotated."""
import io
import logging.config
import os
import sys
import time
import traceback

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

PROCESSES = 3
LINES = 2000
ROTATIONS = 5


@pytest.fixture
def conf(tmpdir):
    """conf/diamond.conf as shipped, but for the folder of the log."""
    with io.open(os.path.join(ROOT, 'conf', 'diamond.conf'), encoding='utf-8') as stream:
        text = stream.read()
    assert text.count('/var/log/diamond') == 1
    path = tmpdir.join('diamond.conf')
    path.write_text(text.replace('/var/log/diamond', str(tmpdir)), 'utf-8')
    return str(path)


def in_a_process(work):
    """Runs `work` in a fork, which ends; returns its number."""
    pid = os.fork()
    if pid:
        return pid
    try:
        work()
        os._exit(0)
    except BaseException:
        traceback.print_exc()
        os._exit(1)


def wait_for(pid):
    assert os.waitpid(pid, 0)[1] == 0


def configure(conf):
    if sys.version_info[0] == 2:
        logging.config.fileConfig(conf, disable_existing_loggers=False)
    else:
        from diamond3 import logs

        logs.configure(conf)


def write(conf, run):
    """As a daemon does: what is set up once is written to by processes that are forked."""
    configure(conf)
    pids = [in_a_process(lambda name=name: write_lines(run, name)) for name in range(PROCESSES)]
    for pid in pids:
        wait_for(pid)


def write_lines(run, name):
    log = logging.getLogger('diamond')
    for number in range(LINES):
        log.info('line %d.%d.%d', run, name, number)


def test_no_line_is_lost_while_the_log_is_rotated_under_all_processes(conf, tmpdir):
    log = tmpdir.join('diamond.log')
    rotated = []
    for run in range(2):  # and over a restart of Diamond
        daemon = in_a_process(lambda run=run: write(conf, run))
        for _ in range(ROTATIONS):
            while not (log.check() and log.size()):
                assert not os.waitpid(daemon, os.WNOHANG)[0], 'it ended too early'
                time.sleep(0.001)
            rotated.append(tmpdir.join('diamond.log.%d' % len(rotated)))
            log.rename(rotated[-1])
        wait_for(daemon)
    found = [line.split('line ')[1] for path in rotated + [log] if path.check()
             for line in path.read().splitlines()]
    assert sorted(found) == sorted(
        '%d.%d.%d' % (run, name, number)
        for run in range(2) for name in range(PROCESSES) for number in range(LINES))


def test_an_error_is_one_line(conf, tmpdir):
    def write_error():
        configure(conf)
        logging.getLogger('diamond').error('the coil is loose')

    wait_for(in_a_process(write_error))
    [line] = tmpdir.join('diamond.log').read().splitlines()
    assert line.endswith('[MainThread] ERROR the coil is loose')
