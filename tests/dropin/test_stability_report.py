# coding=utf-8
"""What a report says, and what is no report."""
import datetime
import io
import itertools
import json
import os
import re
import subprocess
import sys
from decimal import Decimal

import pytest
from reports import NAME, report_text

import stability_report
from stability_report import IncompleteReport, MalformedReport, ReportError, parse

PROGRAM = os.path.abspath(stability_report.__file__).replace('.pyc', '.py')


def cells_of(path):
    """Every cell of a report by an independent reading: {(section, column, slice): text}."""
    cells = {}
    with open(path) as stream:
        for line in stream:
            heading = re.match('Stability (.*) results:', line)
            words = line.split()
            if heading:
                section = heading.group(1)
            elif words and words[0] == 'slice#':
                columns = words[1:]
            elif words and words[0].isdigit():
                for column, cell in zip(columns, words[1:]):
                    cells[section, column, int(words[0])] = cell
    return cells


def values_of(report):
    return {(section.name, column, number): value
            for section in report.sections
            for number, row in enumerate(zip(section.rows, section.decimals), 1)
            for column, value in zip(section.columns, zip(*row))}


# -- the real report -----------------------------------------------------------------------


def test_every_cell_of_a_real_report_is_read_with_its_decimals(real_report):
    report = stability_report.read(real_report)
    cells = cells_of(real_report)
    assert len(cells) == 448
    values = values_of(report)
    assert set(values) == set(cells)
    for place, cell in cells.items():
        number, decimals = values[place]
        assert '%.*f' % (decimals, number) == cell.lstrip('+')


def test_the_head_of_a_real_report(real_report):
    report = stability_report.read(real_report)
    assert report.filename == 'Stability_20180910T090910.txt'
    assert report.time == datetime.datetime(2018, 9, 10, 9, 9, 10)
    assert (report.slices, report.measurements, report.channels) == (16, 500, 32)
    assert [section.name for section in report.sections] == ['SI', 'SIfit', 'SNR', 'ghost', 'fit']
    assert report.sections[0].columns == ('min', 'max', 'mean', 'sd', 'sd[%]', 'P2P[%]')
    assert report.sections[4].columns == ('p[0]', 'p[1]', 'p[2]', 'chisq')
    assert report.without_number == 0


def test_a_real_report_cut_anywhere_never_gives_another_number(real_report):
    with io.open(real_report, encoding='utf-8') as stream:
        text = stream.read()
    whole = values_of(parse(text, real_report))
    passed = set()
    for end in range(len(text)):
        try:
            report = parse(text[:end], real_report)
        except IncompleteReport:
            continue
        passed.add(len(report.sections))
        for place, value in values_of(report).items():
            assert value == whole[place]
    # Where a section is missing nothing shows the cut: sections may be missing.
    assert passed == {1, 2, 3, 4, 5}


# -- good reports --------------------------------------------------------------------------


@pytest.mark.parametrize(('name', 'time'), [
    ('Stability_20180910T090910.txt', datetime.datetime(2018, 9, 10, 9, 9, 10)),
    ('Stability_2024-04-01T13-07-02.txt', datetime.datetime(2024, 4, 1, 13, 7, 2)),
    ('/mnt/scanner/Stability_20240229T000000.txt', datetime.datetime(2024, 2, 29)),
])
def test_both_forms_of_name_tell_the_time_of_the_scan(name, time):
    assert parse(report_text(), name).time == time


@pytest.mark.parametrize('slices', [1, 2, 16, 64])
@pytest.mark.parametrize('channels', [1, 20, 128])
def test_any_number_of_slices_and_channels(slices, channels):
    report = parse(report_text(slices=slices, channels=channels, measurements=77), NAME)
    assert (report.slices, report.channels, report.measurements) == (slices, channels, 77)
    assert [len(section.rows) for section in report.sections] == [slices]


def test_missing_new_and_long_named_sections():
    report = parse(report_text(sections=('fit', 'SNR  of the last\thalf')), NAME)
    assert [section.name for section in report.sections] == ['fit', 'SNR of the last half']
    assert {point.section for point in stability_report.points(report)} == {
        'fit', 'SNR_of_the_last_half'}


@pytest.mark.parametrize('change', [
    lambda text: text.replace('\n', '\r\n'),
    lambda text: u'\ufeff' + text,
    lambda text: text.replace('\t', '   '),
    lambda text: text.replace('\n', '  \t\n'),
    lambda text: text.rstrip('\n'),
    lambda text: text.replace('\n', '\r\n')[:-1],
    lambda text: text.replace('\n\n', '\n'),
    lambda text: text + '\n\n \n',
], ids=['CRLF', 'byte-order mark', 'spaces', 'trailing blanks', 'no last newline', 'half a CRLF',
        'no blank lines', 'blank lines at the end'])
def test_the_same_report_written_otherwise(change):
    text = report_text(sections=('SI', 'fit'))
    assert parse(change(text), NAME) == parse(text, NAME)


@pytest.mark.parametrize(('cell', 'number', 'decimals'), [
    ('0', 0.0, 0), ('7', 7.0, 0), ('402.36', 402.36, 2), ('0.320', 0.32, 3),
    ('+0.000004', 0.000004, 6), ('-0.003500', -0.0035, 6), ('-0.000000', 0.0, 6),
    ('1.5e-005', 0.000015, 6), ('1e+02', 100.0, 0), ('2.50E1', 25.0, 1),
    ('123456789012.345', 123456789012.345, 3), ('0.1234567890123456', 0.1234567890123456, 16),
])
def test_a_number_keeps_its_decimals(cell, number, decimals):
    report = parse(report_text(cell=cell), NAME)
    section = report.sections[0]
    assert (section.rows[0][0], section.decimals[0][0]) == (number, decimals)


@pytest.mark.parametrize('cell', [
    'nan', '-nan', 'NaN', 'inf', '-inf', '+Inf', 'nan(ind)', '-nan(ind)', '-1.#IND', '1.#QNAN',
    '1.#INF', '-1.#IND00', '1.#INF000', '-1.#J', '1.#R',
])
def test_what_c_prints_for_no_number_is_counted_and_is_no_point(cell):
    report = parse(report_text(slices=1, columns=('mean', 'sd')).replace('1.15', cell), NAME)
    assert report.without_number == 1
    assert [(point.column, point.number) for point in stability_report.points(report)] == [
        ('sd', 1.25)]


# -- what is no good report ----------------------------------------------------------------


WHOLE = report_text(slices=3, sections=('SI', 'SNR'))


@pytest.mark.parametrize(('old', 'new', 'line', 'words'), [
    ('Stability configuration', 'Scanner configuration', 1, 'Stability configuration'),
    (', 32 channels', '', 1, 'channels'),
    ('3 slices', '0 slices', 1, 'at least one'),
    ('3 slices', '-3 slices', 1, 'slices'),
    ('3 slices', '2 slices', 8, 'heading'),
    ('3 slices', '4 slices', 11, 'slice 4 of 4'),
    ('500', '5e2', 1, 'measurements'),
    ('SI results', 'SI', 3, 'results'),
    ('Stability SNR', 'Stability SI', 11, 'once'),
    ('slice#', 'slice', 5, 'slice#'),
    ('\tmean\tsd[%]', '', 5, 'column'),
    ('mean\tsd[%]', 'sd[%]\tsdpct', 5, 'different'),
    ('mean', '[]', 5, 'different'),
    ('1\t1.15\t1.25', '1\t1.15', 6, '2 values'),
    ('1\t1.15\t1.25', '1\t1.15\t1.25\t1.35', 6, '2 values'),
    ('2.15', 'x', 7, 'number'),
    ('2.15', '2,15', 7, 'number'),
    ('2.15', '2.1_5', 7, 'number'),
    ('2.15', '0x2', 7, 'number'),
    ('2.15', '.5', 7, 'number'),
    ('2.15', '5.', 7, 'number'),
    ('2.15', '--5', 7, 'number'),
    ('2.15', '1e999', 7, 'number'),
    ('2.15', '2.15000000000000000001', 7, 'float'),
    ('2.15', '12345678901234567891', 7, 'float'),
    ('2.15', '0.12345678901234567', 7, 'float'),
    ('2.15', '9' * 5000, 7, 'float'),
    ('2.15', u'\u0662.15', 7, 'number'),
    ('2.15', '2.15\x00', 7, 'number'),
    ('\t2.15', u'\xa02.15', 7, 'tabs and spaces'),
    ('\t2.15', '\x0b2.15', 7, 'tabs and spaces'),
    ('\t2.15', '\r2.15', 7, 'tabs and spaces'),
    (' 2\t', ' 3\t', 7, 'slice 2 of 3'),
    (' 2\t', ' 1\t', 7, 'slice 2 of 3'),
    (' 2\t', '02\t', 7, 'slice 2 of 3'),
    (' 3\t3.15', ' 3\t3.15\n 4\t4.15', 8, 'slice 3 of 3'),
    ('\n\n\nStability SNR', '\n 4\t4.15\t4.25\n\nStability SNR', 9, 'heading'),
])
def test_a_wrong_report_is_malformed_and_the_error_names_the_line(old, new, line, words):
    assert old in WHOLE
    with pytest.raises(MalformedReport) as caught:
        parse(WHOLE.replace(old, new, 1), NAME)
    assert caught.value.line == line
    assert words in caught.value.reason
    assert str(caught.value) == "%r: line %d: %s" % (NAME, line, caught.value.reason)


@pytest.mark.parametrize(('text', 'line'), [
    ('', 1), ('\n\n', 1), ('Stab', 1), ('Stability configuration: 16 sl', 1),
    (WHOLE[:WHOLE.index('SI')], 3), (WHOLE[:WHOLE.index('slice#')], 3),
    (WHOLE[:WHOLE.index('sd[%]')], 5), (WHOLE[:WHOLE.index('2.15')], 7),
    (WHOLE[:WHOLE.index('3.25') + 3], 8), (WHOLE[:WHOLE.index('3.25') + 2], 8),
    (WHOLE[:WHOLE.index('SNR') + 1], 11), (WHOLE[:WHOLE.rindex('3.25') + 3], 16),
])
def test_a_report_that_ends_too_early_is_incomplete(text, line):
    with pytest.raises(IncompleteReport) as caught:
        parse(text, NAME)
    assert caught.value.line == line
    assert 'expected' in caught.value.reason


@pytest.mark.parametrize(('old', 'new', 'found'), [
    ('2.15', '2,15', '2,15'), ('2.15', '2.15\x00', '2.15\x00'), ('\t2.15', '\x0b2.15', '\x0b'),
    (' 2\t', ' 3\t', '3'), ('2\t2.15', '2', '2\t2.25'), ('slice#', 'slice', 'slice\tmean\tsd[%]'),
    ('3 slices', '2 slices', '3\t3.15\t3.25'), ('Stability SNR', 'Stability SI', ''),
    ('3 slices', '9999 slices', ''),
])
def test_an_error_has_the_part_of_the_line_that_is_wrong(old, new, found):
    with pytest.raises(MalformedReport) as caught:
        parse(WHOLE.replace(old, new, 1), NAME)
    assert caught.value.found == found


def test_the_same_cut_with_a_newline_after_it_is_malformed():
    with pytest.raises(MalformedReport):
        parse(WHOLE[:WHOLE.index('3.25')] + '\n', NAME)


@pytest.mark.parametrize('name', [
    'Stability_20181310T090910.txt', 'Stability_20180231T090910.txt',
    'Stability_20180910T250910.txt', 'Stability_2018-09-10T09-61-10.txt',
    'Stability_20180910T090910.txt\n', 'Stability_20180910T090910.TXT', 'Stability.txt',
    'Stability_20180910090910.txt', 'Stability_2018-0910T090910.txt',
    'xStability_20180910T090910.txt', 'Stability_00010101T000000.txt',
    'Stability_19691231T235959.txt', 'Stability_99991231T235959.txt',
    u'Stability_2018091\u0660T090910.txt', '',
])
def test_a_name_without_a_time_is_malformed(name):
    with pytest.raises(MalformedReport):
        parse(report_text(), name)


def test_a_file_that_is_no_text_is_malformed(tmpdir):
    path = tmpdir.join(NAME)
    path.write_binary(report_text().encode('ascii').replace(b'1.15', b'1.\xff5'))
    with pytest.raises(MalformedReport) as caught:
        stability_report.read(str(path))
    assert caught.value.line == 6
    assert '0xff' in caught.value.reason


def test_a_file_larger_than_any_report_is_malformed(tmpdir):
    path = tmpdir.join(NAME)
    path.write_binary(b'\n' * (stability_report.MAX_BYTES + 1))
    with pytest.raises(MalformedReport) as caught:
        stability_report.read(str(path))
    assert 'larger' in caught.value.reason


def test_an_error_never_shows_what_could_move_a_terminals_cursor():
    text = WHOLE.replace('SI results', u'\x1b[2J\u202e\xe9')
    with pytest.raises(ReportError) as caught:
        parse(text, NAME)
    assert re.match('[ -~]*$', str(caught.value))


# -- metric names and times ----------------------------------------------------------------


def test_points_of_a_real_report_are_named_as_the_2018_collector_named_them(
        real_report, golden_lines):
    report = stability_report.read(real_report)
    ours = [('%s.%s.%d' % (point.section, point.column, point.slice))
            for point in stability_report.points(report)]
    assert ours == [path.split('.32.', 1)[1] for path, _, _ in golden_lines]


@pytest.mark.parametrize(('location', 'path'), [
    ('Harvard/Northwest/Bay1', 'Harvard.Northwest.Bay1'),
    ('Bay1', 'Bay1'),
    ('Mass General/Bay #3 (left)', 'Mass_General.Bay__3__left_'),
    ('a.b/c', 'a.b.c'),
    ('a*b/{c}?/d;e=f', 'a_b._c__.d_e_f'),
    (u'Z\xfcrich/Bay-1', 'Z_rich.Bay-1'),
])
def test_a_location_becomes_a_metric_path(location, path):
    assert stability_report.location_path(location) == path


@pytest.mark.parametrize('location', ['', '/', 'a//b', '/a', 'a/', '../a', 'a/..', 'a/./b'])
def test_a_location_with_an_empty_level_is_refused(location):
    with pytest.raises(ValueError, match='Harvard/Northwest/Bay1'):
        stability_report.location_path(location)


@pytest.mark.parametrize(('column', 'name'), [
    ('min', 'min'), ('sd[%]', 'sdpct'), ('P2P[%]', 'P2Ppct'), ('p[0]', 'p0'), ('a.b-c', 'abc')])
def test_a_column_becomes_a_metric_name(column, name):
    assert stability_report.column_name(column) == name


# Epochs from GNU date: `TZ=America/New_York date -d '2018-09-10 09:09:10' +%s`.
@pytest.mark.parametrize(('zone', 'moment', 'epoch'), [
    ('UTC', (2018, 9, 10, 9, 9, 10), 1536570550),
    ('America/New_York', (2018, 9, 10, 9, 9, 10), 1536584950),
    ('America/New_York', (2018, 1, 10, 9, 9, 10), 1515593350),
    ('Europe/Berlin', (2024, 4, 1, 13, 7, 2), 1711969622),
    ('Asia/Kolkata', (2024, 4, 1, 13, 7, 2), 1711957022),
    # Shown twice: the first one, which is summer time.
    ('America/New_York', (2018, 11, 4, 1, 30, 0), 1541309400),
    # Never shown: what the clock would have shown had it not been put forward.
    ('America/New_York', (2018, 3, 11, 2, 30, 0), 1520753400),
])
@pytest.mark.parametrize('machine', ['UTC', 'Australia/Sydney'])
def test_the_timestamp_is_that_of_the_scanners_clock(monkeypatch, zone, moment, epoch, machine):
    monkeypatch.setenv('TZ', machine)
    stability_report.time.tzset()
    moment = datetime.datetime(*moment)
    assert stability_report.timestamp(moment, zone) == epoch
    assert os.environ['TZ'] == machine
    monkeypatch.setenv('TZ', zone)
    stability_report.time.tzset()
    assert stability_report.timestamp(moment) == epoch
    monkeypatch.undo()
    stability_report.time.tzset()


@pytest.mark.parametrize('zone', ['Nowhere', 'America', '../../etc/passwd', '/etc/passwd', 'a\0b'])
def test_an_unknown_zone_is_refused(zone):
    with pytest.raises(ValueError, match='America/New_York'):
        stability_report.timestamp(datetime.datetime(2018, 9, 10), zone)


# -- the command ---------------------------------------------------------------------------


def run(*arguments):
    environment = dict(os.environ, TZ='UTC')
    process = subprocess.Popen([sys.executable, PROGRAM] + [str(a) for a in arguments],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment,
                               universal_newlines=True)
    out, err = process.communicate()
    return process.returncode, out, err


@pytest.fixture
def small_report(tmpdir):
    path = tmpdir.join('Stability_2024-04-01T13-07-02.txt')
    path.write(report_text(slices=1, columns=('mean', 'sd[%]')).replace('1.25', '-1.#IND'))
    return path


def test_graphite_lines_of_a_real_report_hold_its_own_digits(real_report, golden_lines):
    status, out, err = run('--location', 'Harvard/Northwest/Bay1', '--format', 'graphite',
                           real_report)
    assert (status, err) == (0, '')
    lines = [line.split(' ') for line in out.splitlines()]
    assert [(path, epoch) for path, _, epoch in lines] == [
        (path.split('StabilityCollector.')[1], epoch) for path, _, epoch in golden_lines]
    texts = [cell.lstrip('+') for cell in in_file_order(real_report)]
    assert [value for _, value, _ in lines] == texts


def in_file_order(path):
    with open(path) as stream:
        rows = [line.split()[1:] for line in stream if re.match(r'\s*[0-9]', line)]
    return list(itertools.chain.from_iterable(rows))


def test_json_has_the_fields_of_mristability(small_report):
    status, out, err = run('--location', 'A/B', '--format', 'json', small_report)
    assert (status, err) == (0, '')
    assert json.loads(out) == [{
        'scanner': 'A/B', 'coil': '32', 'filename': small_report.basename,
        'timestamp': 1711976822, 'mean.SNR.1': 1.15}]


def test_json_numbers_are_the_reports_own(real_report):
    _, out, _ = run('--format', 'json', real_report)
    (found,) = json.loads(out, parse_float=Decimal)
    for (section, column, number), cell in cells_of(real_report).items():
        name = '%s.%s.%d' % (stability_report.column_name(column), section, number)
        assert found[name] == Decimal(cell)


def test_the_table_is_aligned_and_shows_the_reports_own_digits(small_report):
    status, out, err = run(small_report)
    assert (status, err) == (0, '')
    assert out == (
        'Stability_2024-04-01T13-07-02.txt  2024-04-01 13:07:02  '
        '1 slices, 500 measurements, 32 channels\n'
        '\n'
        '  SNR\n'
        '    slice  mean  sd[%]\n'
        '        1  1.15      -\n'
        '\n')


def test_a_bad_file_is_one_line_and_the_others_are_still_printed(tmpdir, small_report):
    bad = tmpdir.join('Stability_20240402T130702.txt')
    bad.write(report_text().replace('2.15', 'oops'))
    status, out, err = run('--format', 'graphite', bad, tmpdir.join('absent.txt'), small_report)
    assert status == 1
    assert out == '32.SNR.mean.1 1.15 1711976822\n'
    assert err.splitlines() == [
        "'Stability_20240402T130702.txt': line 7: expected a number that a 64-bit float keeps, "
        "found 'oops'",
        '%r: cannot be read: No such file or directory' % str(tmpdir.join('absent.txt'))]


@pytest.mark.parametrize('arguments', [
    (), ('--format', 'xml', 'x'), ('--timezone', 'Nowhere', 'x'), ('--location', 'a//b', 'x')])
def test_wrong_use_ends_with_2(arguments):
    status, out, err = run(*arguments)
    assert (status, out) == (2, '')
    assert 'usage:' in err
    assert 'Traceback' not in err
