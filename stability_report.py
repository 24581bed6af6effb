#!/usr/bin/env python3
"""What a Stability report says: text in, `Report` out.

A Stability report is the text file that the MGH Stability sequence writes after a phantom
scan. `parse` takes its text and gives a `Report`; `points` gives the report's numbers under
their metric names. The module knows nothing of Diamond, Graphite or folders, and runs alone:

    python3 stability_report.py --format table Stability_20180910T090910.txt

Python 2.7 and 3.9 or newer, standard library only.
"""
from __future__ import print_function

import argparse
import datetime
import io
import json
import os
import re
import signal
import sys
import time
from collections import OrderedDict, namedtuple
from decimal import Decimal

try:
    import zoneinfo
except ImportError:  # Python 2.7
    zoneinfo = None

# The names of the tables that the sequence writes.
SECTIONS = ('SI', 'SIfit', 'SNR', 'ghost', 'fit')

# A report of 64 slices is 15 kB. What is larger than this is not a report, and is not read.
MAX_BYTES = 1024 * 1024

_FILENAMES = (
    re.compile(r'Stability_([0-9]{4})([0-9]{2})([0-9]{2})T([0-9]{2})([0-9]{2})([0-9]{2})\.txt\Z'),
    re.compile(r'Stability_([0-9]{4})-([0-9]{2})-([0-9]{2})'
               r'T([0-9]{2})-([0-9]{2})-([0-9]{2})\.txt\Z'),
)
# What the collector puts behind the name of a report that it keeps beside another, and its notes.
_KEPT = re.compile(r'([^.]+)(?:\.duplicate)?(?:\.[0-9]+)?\.txt(?:\.reason\.txt)?\Z')
_CONFIGURATION_START = 'Stability configuration:'
_CONFIGURATION = re.compile(
    _CONFIGURATION_START + r'\s*([0-9]{1,6})\s+slices?,\s*([0-9]{1,9})\s+measurements?,'
    r'\s*([0-9]{1,6})\s+channels?\Z')
_HEADING_START = 'Stability'
_HEADING_FORM = 'a heading "Stability <section> results:"'
_HEADING = re.compile(_HEADING_START + r'\s+(\S|\S.*\S)\s+results:\Z')
_LIKE_A_HEADING = re.compile(_HEADING_START + '.*(result|configuration|:\\Z)', re.I)
_NUMBER = re.compile(r'[+-]?[0-9]+(?:\.([0-9]+))?(?:[eE]([+-]?[0-9]{1,3}))?\Z')
# Its group are the decimals.
_PLAIN_NUMBER = re.compile(r'(?<!\S)[+-]?[0-9]+(?:\.([0-9]+))?(?!\S)')
_DECIMAL_COMMA = re.compile(r'[+-]?[0-9]+,[0-9]+\Z')
# How C runtimes print what is no number: C99's words, and Microsoft's older 1.#IND, 1.#QNAN and
# 1.#INF, which rounding to two decimals turns into 1.#J and 1.#R.
_NO_NUMBER = re.compile(
    r'[+-]?(?:nan|nan\((?:ind|snan)\)|inf|infinity|1\.#[A-Z]+0*)\Z', re.IGNORECASE)
# With a sign, a point and 14 digits a number survives the way through a 64-bit float for
# certain (DBL_DIG in C's float.h is 15).
_SURELY_EXACT = 16
# A line of words of a scanner's is shorter.
_LONGEST_LINE = 1000
# No C format writes more digits than this into a table.
_LONGEST_CELL = 40
# A report of 64 slices has 1,800 values. What has far more would flood Graphite with series.
_MOST_VALUES = 10000
_DAY = 86400
# A level of a metric path is the name of a file or folder, and carbon takes no endless line.
_LONGEST_NAME = 100
_NOT_IN_A_NAME = re.compile('[^A-Za-z0-9_-]')
_NOT_IN_A_COLUMN = re.compile('[^A-Za-z0-9_]')
# Of text in ASCII.
_PLAIN_CHARACTERS = bytes(bytearray(range(0x21, 0x7f))) + b'\t\n '
_ODD_SPACE = re.compile(r'[^\S\t\n ]', re.UNICODE)


class ReportError(ValueError):
    """A report that cannot be read.

    Attributes: `filename` (str), `line` (int from 1, or None when it is not about a line),
    `reason` (str: what was expected and what was found) and `found` (str: the part of the line
    that is wrong, '' when it is not about one).
    """

    def __init__(self, filename, line, reason, found=''):
        super(ReportError, self).__init__(filename, line, reason, found)
        self.filename = filename
        self.line = line
        self.reason = reason
        self.found = found

    def __str__(self):
        where = '' if self.line is None else 'line %d: ' % self.line
        return '%r: %s%s' % (self.filename, where, self.reason)


class IncompleteReport(ReportError):
    """The report ends before the rows that its first line promises."""


class MalformedReport(ReportError):
    """What is there cannot be right."""


# name: str as in its heading; columns: tuple of str as in its header, without `slice#`;
# rows: tuple, one a slice, of tuples, one a column, of float, or None where the scanner wrote no
# number; decimals: the same of int, how many each was written with.
Section = namedtuple('Section', 'name columns rows decimals')

# One number of a report under its metric names (str, str, int from 1, float, int).
Point = namedtuple('Point', 'section column slice number decimals')


class Report(namedtuple('Report', 'filename time slices measurements channels sections unknown')):
    """One report: str, naive `datetime` on the scanner's clock, ints, tuple of `Section`, and the
    numbers (tuple of int) of lines outside any table that nobody knows.
    """

    __slots__ = ()

    @property
    def lacks(self):
        """Which of the sequence's SECTIONS it has not (tuple of str)."""
        names = [section.name for section in self.sections]
        return tuple([name for name in SECTIONS if name not in names])

    @property
    def without_number(self):
        """How many cells (int) hold `nan`, `inf` or the like, and so are no point."""
        return sum(row.count(None) for section in self.sections for row in section.rows)


# -- reading -------------------------------------------------------------------------------


def read(path):
    """The `Report` in the file at `path` (str).

    Raises ReportError, and IOError or OSError when the file cannot be read.
    """
    with io.open(path, 'rb') as stream:
        return parse_bytes(stream.read(MAX_BYTES + 1), path)


def parse_bytes(data, filename):
    """The `Report` in a file's content (bytes); of a large file MAX_BYTES + 1 are enough.

    Raises ReportError, as `parse` does.
    """
    filename = os.path.basename(filename)
    if len(data) > MAX_BYTES:
        raise MalformedReport(filename, None, 'larger than any report, over %d bytes' % MAX_BYTES)
    try:
        # A copy may be as long as it will be, and not written yet.
        text = data.rstrip(b'\0').decode('utf-8')
    except UnicodeDecodeError as error:
        raise MalformedReport(
            filename, data.count(b'\n', 0, error.start) + 1,
            'expected text in UTF-8, found the byte 0x%02x' % bytearray(data)[error.start])
    return parse(text, filename)


def parse(text, filename):
    """The `Report` in `text` (str), named `filename` (str; of a path the last part counts).

    Raises IncompleteReport when the text ends too early, MalformedReport when it is wrong.
    """
    filename = os.path.basename(filename)
    time_of_scan = scan_time(filename)
    lines = _Lines(text, filename)
    slices, measurements, channels = _configuration(lines)
    _require_few(lines, slices)
    slice_numbers = [str(number) for number in range(1, slices + 1)]
    seen = set()
    sections = []
    unknown = []
    values = 0
    while not sections or not lines.at_end():
        line = lines.take(_HEADING_FORM)
        if _is_of_no_table(line) and not (lines.cut_off() and line.startswith(_HEADING_START)):
            unknown.append(lines.number)
            continue
        sections.append(_section(lines, line, slice_numbers, seen))
        values += len(sections[-1].columns) * slices
        _require_few(lines, values)
        if lines.cut_off() and _last_number_is_short(sections):
            raise lines.incomplete('expected as many decimals as in the rows above, '
                                   'found the end of the file')
    return Report(filename, time_of_scan, slices, measurements, channels, tuple(sections),
                  tuple(unknown))


def scan_time(filename):
    """When the scan was made, from the report's name: naive `datetime` on the scanner's clock.

    Raises MalformedReport for a name of neither form, or with an impossible time in it.
    """
    filename = os.path.basename(filename)
    match = _matching_form(filename)
    if not match:
        raise MalformedReport(filename, None, 'expected a name like Stability_20180910T090910.txt '
                              'or Stability_2024-04-01T13-07-02.txt')
    try:
        found = datetime.datetime(*[int(digits) for digits in match.groups()])
    except ValueError as error:
        raise MalformedReport(filename, None, 'expected a time in the name, found: %s' % error)
    # Whisper counts seconds since 1970 in 32 bits.
    if not 1971 <= found.year <= 2105:
        raise MalformedReport(filename, None, 'expected a year from 1971 to 2105 in the name')
    return found


def is_report_name(filename):
    """Whether `filename` (str) has one of the two forms that scanners give to their reports."""
    return _matching_form(filename) is not None


def report_names(names):
    """Those of `names` (list of str) that reports have, oldest scan first."""
    return sorted(filter(is_report_name, names), key=digits)


def digits(filename):
    """The time in a report's name as digits (str), which sort by time in both forms."""
    return re.sub('[^0-9]', '', filename)


def scan_epoch(filename, timezone=''):
    """`timestamp` of the scan (int), as its report's name says; 0 for an impossible time."""
    try:
        return timestamp(scan_time(filename), timezone)
    except ReportError:
        return 0


def is_of_the_future(epoch):
    """Whether a scan at `epoch` cannot have been made yet, whatever time zone is meant."""
    return epoch > time.time() + _DAY


def counted(number, noun):
    """`1 report`, `2 reports`: an int and what it counts (str)."""
    return '%d %s%s' % (number, noun, '' if number == 1 else 's')


def newest_scan(names):
    """The report's name among `names` (list of str, any) of the last scan that can have been made
    by now, whatever time zone is meant; '' if there is none.
    """
    return next((name for name in reversed(report_names(names)) if is_past(name)), '')


def is_past(filename):
    """Whether a scan can have been made when its report's name says, whatever zone is meant."""
    epoch = scan_epoch(filename)
    return epoch > 0 and not is_of_the_future(epoch)


def is_nearly_report_name(filename):
    """Whether `filename` (str) is that of no report, but a person might think so: in another case,
    with a copy's number, renamed. What the collector calls the files that it keeps is not, nor what
    is hidden, as a file on its way may be.
    """
    if ('stability' not in filename.lower() or is_report_name(filename)
            or filename.startswith('.')):
        return False
    kept = _KEPT.match(filename)
    return not (kept and is_report_name(kept.group(1) + '.txt'))


def nearly_report_names(names, own):
    """Those of `names` (list of str) that are nearly a report's, sorted; but for our `own`."""
    return sorted(set(filter(is_nearly_report_name, names)).difference(own))


def _matching_form(filename):
    for form in _FILENAMES:
        match = form.match(filename)
        if match:
            return match
    return None


class _Lines(object):
    """The lines of a report that are not blank, taken one by one from the top."""

    def __init__(self, text, filename):
        self._filename = filename
        if text.startswith(u'\ufeff'):
            text = text[1:]
        # A CRLF may have been cut in two.
        text = text[:-1] if text.endswith('\r') else text
        text = text.replace('\r\n', '\n')
        others = text.encode('utf-8', 'replace').translate(None, _PLAIN_CHARACTERS)
        odd = _ODD_SPACE.search(text) if others else None
        if odd:
            raise MalformedReport(filename, text.count('\n', 0, odd.start()) + 1,
                                  'expected tabs and spaces only, found %s' % _excerpt(odd.group()),
                                  odd.group())
        lines = text.rstrip()
        self._terminated = '\n' in text[len(lines):]
        self._lines = lines.split('\n') if lines else []
        # Of the line taken last, from 1; or how many were taken, blank ones among them.
        self.number = 0

    def take(self, expected):
        """The next line (str), without white space around it; `expected` (str) says what for."""
        line = ''
        while not line:
            if self.at_end():
                raise self.incomplete('expected %s, found the end of the file' % expected)
            line = self._lines[self.number].strip()
            self.number += 1
        return line

    def at_end(self):
        return self.number == len(self._lines)

    def cut_off(self):
        """Whether the line taken last is the file's last and has no end, so may be half a line."""
        return self.at_end() and not self._terminated

    def incomplete(self, reason, found=''):
        return IncompleteReport(self._filename, max(1, self.number), reason, found)

    def malformed(self, reason, found=''):
        return MalformedReport(self._filename, max(1, self.number), reason, found)

    def wrong(self, expected, found, begins_well=True):
        """The error for `found`, a line or a part of it: incomplete if it `begins_well` and the
        file ends in its middle.
        """
        error = self.incomplete if begins_well and self.cut_off() else self.malformed
        return error('expected %s, found %s' % (expected, _excerpt(found)), found)


def _excerpt(text):
    return repr(str(text[:60].encode('ascii', 'backslashreplace').decode('ascii')))


def _begins_like(line, start):
    return start.startswith(line) or line.startswith(start)


def _configuration(lines):
    expected = '"Stability configuration: <n> slices, <n> measurements, <n> channels"'
    line = lines.take(expected)
    match = _CONFIGURATION.match(line)
    if not match:
        raise lines.wrong(expected, line, _begins_like(line, _CONFIGURATION_START))
    counts = [int(digits) for digits in match.groups()]
    if 0 in counts:
        raise lines.wrong('at least one slice, measurement and channel', line, begins_well=False)
    return counts


def _is_of_no_table(line):
    """Whether a line, which may be that of a newer scanner, cannot be a part of any table."""
    if (_LIKE_A_HEADING.match(line) or _HEADING_START.startswith(line)
            or line.lower().startswith('slice') or len(line) > _LONGEST_LINE):
        return False
    if ':' in line:  # no row has one
        return True
    cells = line.split()
    numbers = [cell for cell in cells if _NUMBER.match(cell) or _NO_NUMBER.match(cell)]
    is_row = len(numbers) == len(cells) or len(numbers) > 2 or (
        len(numbers) > 1 and cells[0] == numbers[0])
    return not is_row


def _section(lines, heading, slice_numbers, seen):
    name = _heading(lines, heading)
    level = metric_name(name)
    if level in seen:
        raise lines.malformed('expected every section once, found %s again' % _excerpt(name))
    seen.add(level)
    columns = _columns(lines)
    _require_few(lines, len(columns) * len(slice_numbers))
    rows = [_row(lines, number, len(slice_numbers), len(columns)) for number in slice_numbers]
    return Section(name, columns, *zip(*rows))


def _require_few(lines, values):
    if values > _MOST_VALUES:
        raise lines.malformed('expected at most %d values' % _MOST_VALUES)


def _heading(lines, line):
    match = _HEADING.match(line)
    if not match:
        raise lines.wrong(_HEADING_FORM, line, _begins_like(line, _HEADING_START))
    name = ' '.join(match.group(1).split())
    if len(name) > _LONGEST_NAME:
        raise lines.wrong('a section name of at most %d characters' % _LONGEST_NAME, line)
    return name


def _columns(lines):
    expected = 'column names that begin with "slice#"'
    line = lines.take(expected)
    columns = line.split()
    if columns[0] != 'slice#' or len(columns) < 2:
        raise lines.wrong(expected, line)
    names = [column_name(column) for column in columns[1:]]
    if '' in names or len(set(names)) < len(names):
        raise lines.wrong('a different name for each column', line)
    if max(map(len, names)) > _LONGEST_NAME:
        raise lines.wrong('column names of at most %d characters' % _LONGEST_NAME, line)
    return tuple(columns[1:])


def _row(lines, slice_number, slices, width):
    """Numbers and decimals of one row: a tuple of float or None, and one of int."""
    expected = 'slice %s of %d with %d values' % (slice_number, slices, width)
    line = lines.take(expected)
    cells = line.split()
    if len(cells) != width + 1:
        raise lines.wrong(expected, line, begins_well=len(cells) <= width)
    if cells[0] != slice_number:
        raise lines.malformed('expected %s, found %s' % (expected, _excerpt(line)), cells[0])
    decimals = [len(fraction) for fraction in _PLAIN_NUMBER.findall(line)]
    if len(decimals) == len(cells) and len(max(cells, key=len)) <= _SURELY_EXACT:
        return tuple(map(float, cells[1:])), tuple(decimals[1:])
    values = []
    for position, cell in enumerate(cells[1:], 1):
        value = _value(cell)
        if value is None:
            expected = ('a number with a decimal point, no comma' if _DECIMAL_COMMA.match(cell) else
                        'a number that a 64-bit float keeps')
            raise lines.wrong(expected, cell, position == width)
        values.append(value)
    return tuple(zip(*values))


def _value(cell):
    """The number in `cell` (str; None for `nan` and the like) and its decimals, or None when it
    holds neither.
    """
    match = _NUMBER.match(cell)
    if not match:
        return (None, 0) if _NO_NUMBER.match(cell) else None
    if len(cell) > _LONGEST_CELL:
        return None
    fraction, exponent = match.groups()
    decimals = max(0, len(fraction or '') - int(exponent or 0))
    number = float(cell)
    surely_exact = len(cell) <= _SURELY_EXACT and not exponent
    if not surely_exact and Decimal('%.*f' % (decimals, number)) != Decimal(cell):
        return None
    return number, decimals


def _last_number_is_short(sections):
    """Whether the last number has fewer decimals than its column has elsewhere.

    A file cut in the middle of its last number looks like a whole one with no newline at its
    end, but for this.
    """
    last = sections[-1]
    usual = max(row[-1] for section in sections for row in section.decimals
                if section.columns[-1] == last.columns[-1])
    return last.decimals[-1][-1] < usual


def table_rows(section):
    """A `Section` as rows of text (lists of str): the names of the columns, then each slice with
    the decimals of the report; `-` where there is no number.
    """
    yield ['slice'] + list(section.columns)
    for slice_number, row in enumerate(zip(section.rows, section.decimals), 1):
        yield [str(slice_number)] + [
            '-' if number is None else '%.*f' % (decimals, number)
            for number, decimals in zip(*row)]


# -- metric names and times ----------------------------------------------------------------


def points(report):
    """The numbers of `report` as `Point`s, in the order of the report; what is no number is not
    among them.
    """
    for section in report.sections:
        section_name = metric_name(section.name)
        columns = [column_name(column) for column in section.columns]
        for slice_number, row in enumerate(zip(section.rows, section.decimals), 1):
            for column, number, decimals in zip(columns, *row):
                if number is not None:
                    yield Point(section_name, column, slice_number, number, decimals)


def metric_name(text):
    """`text` (str) as one level of a metric path: what Graphite does not allow becomes `_`."""
    if isinstance(text, bytes):  # Python 2.7: a character may be several of them
        text = text.decode('utf-8', 'replace')
    return str(_NOT_IN_A_NAME.sub('_', text))


def column_name(column):
    """`column` (str) as in metric paths: `sd[%]` is `sdpct`, `p[0]` is `p0`."""
    return str(_NOT_IN_A_COLUMN.sub('', column.replace('[%]', 'pct')))


def location_path(location):
    """`location` (str, `Harvard/Northwest/Bay1`) as the levels of a metric path, dotted.

    Raises ValueError when a level is empty.
    """
    levels = location.replace('.', '/').split('/')
    if '' in levels:
        raise ValueError('location %r: expected names between slashes, like Harvard/Northwest/Bay1'
                         % location)
    return '.'.join(metric_name(level) for level in levels)


def timestamp(moment, timezone=''):
    """Seconds since 1970 (int) when a clock in `timezone` showed `moment` (naive datetime).

    `timezone` is an IANA name such as America/New_York, or '' for this machine's. Of an hour
    that the clock shows twice a year, the first is meant. Raises ValueError for an unknown zone.
    """
    if zoneinfo is None:
        return _timestamp_by_libc(moment, timezone)
    if not timezone:
        return int(moment.timestamp())
    try:
        zone = zoneinfo.ZoneInfo(timezone)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        raise _unknown_zone(timezone)
    return int(moment.replace(tzinfo=zone).timestamp())


def _unknown_zone(timezone):
    return ValueError('timezone %r: expected a name like America/New_York that this machine '
                      'knows (package tzdata)' % timezone)


def _timestamp_by_libc(moment, timezone):
    """`timestamp` for Python 2.7, where only the C library knows time zones."""
    if not timezone:
        return _mktime(moment)
    if (not re.match(r'[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+)*\Z', timezone)
            or not os.path.isfile(os.path.join('/usr/share/zoneinfo', timezone))):
        raise _unknown_zone(timezone)
    before = os.environ.get('TZ')
    os.environ['TZ'] = timezone
    time.tzset()
    try:
        return _mktime(moment)
    finally:
        if before is None:
            del os.environ['TZ']
        else:
            os.environ['TZ'] = before
        time.tzset()


def _mktime(moment):
    fields = moment.timetuple()[:8]
    for is_summer in (1, 0):
        seconds = int(time.mktime(fields + (is_summer,)))
        if time.localtime(seconds)[:6] == fields[:6]:
            break
    return seconds


# -- the command ---------------------------------------------------------------------------


def main(arguments=None):
    """Prints reports; the exit status (int): 0, 1 when a file was bad, 2 for wrong use."""
    options = _options(arguments)
    good = []
    bad = 0
    for path in options.files:
        try:
            good.append(read(path))
        except ReportError as error:
            bad += 1
            print(error, file=sys.stderr)
        except EnvironmentError as error:
            bad += 1
            print('%r: cannot be read: %s' % (path, error.strerror), file=sys.stderr)
    _FORMATS[options.format](good, options.location, options.timezone)
    return 1 if bad else 0


def _options(arguments):
    parser = argparse.ArgumentParser(
        description='Print what is in Stability reports.',
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog='examples:\n'
               '  python3 stability_report.py Stability_20180910T090910.txt\n'
               '  python3 stability_report.py --format graphite --location Harvard/Bay1 \\\n'
               '      --timezone America/New_York *.txt | nc graphite 2003\n')
    parser.add_argument('files', metavar='FILE', nargs='+', help='a Stability report')
    parser.add_argument('--location', metavar='A/B/C', default='',
                        help='where the scanner is: the first part of every metric path')
    parser.add_argument('--timezone', metavar='ZONE', default='',
                        help="of the scanner's clock, like America/New_York (this machine's)")
    parser.add_argument('--format', choices=sorted(_FORMATS), default='table',
                        help='table: for people; graphite: "path value epoch" lines; '
                             "json: a list of objects (%(default)s)")
    options = parser.parse_args(arguments)
    try:
        if options.location:
            location_path(options.location)
        timestamp(datetime.datetime(2018, 9, 10), options.timezone)
    except ValueError as error:
        parser.error(str(error))
    return options


def _print_graphite(reports, location, timezone):
    for report in reports:
        prefix = [location_path(location)] if location else []
        epoch = timestamp(report.time, timezone)
        for point in points(report):
            path = '.'.join(prefix + [str(report.channels), point.section, point.column,
                                      str(point.slice)])
            print('%s %.*f %d' % (path, point.decimals, point.number, epoch))


def _print_json(reports, location, timezone):
    objects = []
    for report in reports:
        fields = OrderedDict([('scanner', location), ('coil', str(report.channels)),
                              ('filename', report.filename),
                              ('timestamp', timestamp(report.time, timezone))])
        for point in points(report):
            fields['%s.%s.%d' % (point.column, point.section, point.slice)] = point.number
        objects.append(fields)
    print(json.dumps(objects, indent=1))


def _print_table(reports, location, timezone):
    for report in reports:
        print('%s  %s  %d slices, %d measurements, %d channels' % (
            report.filename, report.time, report.slices, report.measurements, report.channels))
        for section in report.sections:
            print()
            _print_section(section)
        print()


def _print_section(section):
    table = [[_printable(cell) for cell in row] for row in table_rows(section)]
    widths = [max(len(line[i]) for line in table) for i in range(len(table[0]))]
    print('  %s' % _printable(section.name))
    for line in table:
        print('    %s' % '  '.join(cell.rjust(width) for cell, width in zip(line, widths)))


def _printable(text):
    return ''.join(c if ' ' <= c <= '~' else '?' for c in text)


_FORMATS = {'graphite': _print_graphite, 'json': _print_json, 'table': _print_table}


if __name__ == '__main__':
    if hasattr(signal, 'SIGPIPE'):
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # `| head` is no error
    sys.exit(main())
