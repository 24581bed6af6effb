"""A Diamond configuration with scanners' folders, for tests of the collector."""
import logging
import os

from diamond.handler.Handler import Handler
from reports import report_text

import stability_collector
import stability_confirmation
import stability_errand
import stability_share
import stability_waiting

OLD = 'Stability_20180910T090910.txt'
NEW = 'Stability_2024-04-01T13-07-02.txt'
# 2018-09-10 09:09:10 and 2024-04-01 13:07:02 UTC, from GNU date.
OLD_EPOCH = 1536570550
NEW_EPOCH = 1711976822


def hurry(monkeypatch):
    """Makes the pauses of the collector a hundred times shorter."""
    for module, names in ((stability_collector, ('_PATIENCE', '_NAP')),
                          (stability_confirmation, ('_NAP', 'LATE', 'LONGEST_PAUSE')),
                          (stability_waiting, ('_FIRST_PAUSE', 'LATE', 'LONGEST_PAUSE'))):
        for name in names:
            monkeypatch.setattr(module, name, getattr(module, name) / 100.0)


class Clock(object):
    """The collector's clock, which stands still until a test, or a pause of the collector's, puts
    it forward.
    """

    def __init__(self, monkeypatch):
        self.now = 1000.0
        self.meanwhile = lambda: None  # what happens in a pause
        for module in (stability_collector, stability_confirmation, stability_errand,
                       stability_share, stability_waiting):
            monkeypatch.setattr(module, 'clock', lambda: self.now)
        monkeypatch.setattr(stability_collector.time, 'sleep', self.pass_by)

    def pass_by(self, seconds):
        self.now += max(seconds, 0.001)
        self.meanwhile()


def is_of_the_drop_in(frame):
    """Whether a frame of Python's runs a line of one of its modules."""
    return frame.f_code.co_filename.startswith(
        os.path.join(os.path.dirname(stability_collector.__file__), 'stability_'))


class Recorder(Handler):
    """A Diamond handler that keeps the lines which GraphiteHandler would send."""

    def __init__(self):
        Handler.__init__(self, {})
        self.lines = []

    def process(self, metric):
        self.lines.append(tuple(str(metric).split()))


class Site(object):
    """A Diamond configuration with scanners' folders, and the collector that it makes."""

    def __init__(self, folder):
        self.folder = folder
        self.settings = {'timezone': 'UTC', 'settle_seconds': 0}
        self.scanners = {}
        self.coils = {'32': '32'}
        self.recorder = Recorder()
        self.collector = None

    def add_scanner(self, location, name):
        self.scanners[location] = self.folder.join(name)
        return self.folder.ensure(name, dir=True)

    def load(self):
        """Writes the configuration; (re)loads the collector as Diamond does."""
        lines = ['path_prefix = diamond.virtual', 'hostname = testhost']
        lines += ['%s = %s' % item for item in self.settings.items()]
        lines += ['[scanners]'] + ['%s = %s' % item for item in sorted(self.scanners.items())]
        lines += ['[coils]'] + ['%s = %s' % item for item in self.coils.items()]
        collectors = self.folder.ensure('collectors', dir=True)
        collectors.join('StabilityCollector.conf').write('\n'.join(lines) + '\n')
        conf = self.folder.join('diamond.conf')
        conf.write('[server]\ncollectors_config_path = %s\n' % collectors)
        if self.collector is None:
            self.collector = stability_collector.StabilityCollector(
                configfile=str(conf), handlers=[self.recorder])
        else:
            self.collector.load_config()

    def run(self):
        """One poll; returns the lines it sent, but for those about the collector itself."""
        if self.collector is None:
            self.load()
        del self.recorder.lines[:]
        self.collector._run()
        return [line for line in self.recorder.lines if '.ingest.' not in line[0]]

    def about(self, location):
        """What the last poll sent about the collector itself: {name: value}."""
        return {path.split('.ingest.')[1]: float(value) for path, value, _ in self.recorder.lines
                if '.%s.ingest.' % location.replace('/', '.') in path}


def put(folder, name, text=None, age=3600, **report):
    """A report in `folder`, last changed `age` seconds ago."""
    path = folder.join(name)
    path.write_binary((report_text(**report) if text is None else text).encode('utf-8'))
    path.setmtime(path.mtime() - age)
    return path


def names_in(folder):
    return sorted(path.basename for path in folder.listdir())


def archived(folder):
    """The names of the files in a scanner's archive."""
    path = folder.join('Ingested')
    return names_in(path) if path.check() else []


def errors(caplog):
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR]


def warnings(caplog):
    """But for that of a site without a graphite_url."""
    return [record.getMessage() for record in caplog.records
            if record.levelname == 'WARNING' and 'delivery is not' not in record.getMessage()]
