# coding=utf-8
"""When a report is whole, and what in it is forgiven."""
import os

import pytest
from reports import report_text
from sites import NEW, OLD, errors, names_in, put, warnings

import stability_folder
import stability_report
import stability_share

FIVE = ('SI', 'SIfit', 'SNR', 'ghost', 'fit')


@pytest.fixture
def sequence_of_one_table():
    """Here the sequence has its five tables."""


@pytest.mark.parametrize('count', [1, 2, 3, 4])
def test_a_report_cut_between_two_sections_waits_for_the_others(site, bay1, clock, count):
    put(bay1, OLD, slices=1, columns=('mean',), sections=FIVE[:count])
    assert site.run() == []
    assert names_in(bay1) == [OLD]
    put(bay1, OLD, slices=1, columns=('mean',), sections=FIVE)
    assert len(site.run()) == 5
    assert names_in(bay1.join('Ingested')) == [OLD]


def test_a_report_that_lacks_sections_for_an_hour_is_published_and_told(site, bay1, clock, caplog):
    put(bay1, OLD, slices=1, columns=('mean',), sections=FIVE[:3])
    assert site.run() == []
    clock.now += 3599
    assert site.run() == []
    clock.now += 2
    assert len(site.run()) == 3
    (message,) = warnings(caplog)
    assert 'ghost, fit' in message


def test_a_report_with_all_that_the_coils_last_had_is_whole(site, bay1, clock):
    put(bay1, OLD, slices=1, columns=('mean',), sections=('SNR', 'SI'))
    site.run()
    clock.now += 3601
    assert len(site.run()) == 2
    put(bay1, NEW, slices=1, columns=('mean',), sections=('SI', 'SNR'))
    assert len(site.run()) == 2
    site.collector = None  # and after a restart, by what is archived
    put(bay1, 'Stability_20250401T130702.txt', slices=1, columns=('mean',), sections=('SI', 'SNR'))
    assert len(site.run()) == 2


def test_what_another_coil_has_says_nothing_of_a_report(site, bay1, clock):
    site.coils['64'] = '64'
    put(bay1, OLD, slices=1, columns=('mean',), sections=('SNR',))
    site.run()
    clock.now += 3601
    assert len(site.run()) == 1
    put(bay1, NEW, slices=1, columns=('mean',), sections=('SNR',), channels=64)
    assert site.run() == []


def test_the_real_report_cut_after_its_first_section_waits(site, bay1, real_report):
    with open(real_report, 'rb') as stream:
        text = stream.read().decode('ascii')
    put(bay1, OLD, text[:text.index('Stability SIfit')])
    assert site.run() == []
    put(bay1, OLD, text)
    assert len(site.run()) == 448


@pytest.mark.parametrize('when', ['before the next run', 'at the move'])
def test_a_report_that_is_written_to_after_it_was_archived_comes_back(
        site, bay1, monkeypatch, caplog, when):
    text = report_text(slices=1, columns=('mean',), sections=FIVE)
    more = report_text(slices=1, columns=('mean',), sections=FIVE + ('new',))
    put(bay1, OLD, text)
    if when == 'at the move':
        def move_and_write(old, new):
            os.rename(old, new)
            with open(new, 'w') as stream:
                stream.write(more)
        ways = stability_folder._WAYS
        monkeypatch.setattr(stability_folder, '_WAYS', ((move_and_write, lambda error: True),))
        site.load()
        folder_move = stability_share.move

        def move_back(*args):
            monkeypatch.setattr(stability_folder, '_WAYS', ways)
            return folder_move(*args)

        monkeypatch.setattr(stability_share, 'move', move_back)
    assert len(site.run()) == 5
    if when == 'before the next run':
        bay1.join('Ingested', OLD).write(more)
        site.run()
    assert 'is back' in errors(caplog)[0]
    assert len(site.run()) == 6
    assert bay1.join('Ingested', OLD).read() == more
    assert site.about('Harvard/Northwest/Bay1')['ingested'] == 1


def test_a_time_that_a_share_changes_brings_no_report_back(site, bay1):
    put(bay1, OLD, sections=FIVE)
    site.run()
    bay1.join('Ingested', OLD).setmtime(1)
    assert site.run() == []
    assert names_in(bay1.join('Ingested')) == [OLD]
    assert site.run() == []


# -- lines that nobody knows ---------------------------------------------------------------

SYSTEM = 'System: MAGNETOM Prisma, software XA60\n'


@pytest.mark.parametrize('place', ['before the tables', 'between tables', 'at the end', 'both'])
def test_a_line_outside_any_table_that_nobody_knows_is_skipped_and_told(
        site, bay1, caplog, place):
    text = report_text(slices=1, columns=('mean',), sections=FIVE)
    if place == 'before the tables':
        text = text.replace('Stability SI results', SYSTEM + 'Stability SI results', 1)
    if place in ('between tables', 'both'):
        text = text.replace('Stability SNR', SYSTEM + '\nStability SNR')
    if place in ('at the end', 'both'):
        text += '\n' + SYSTEM
    put(bay1, OLD, text)
    assert len(site.run()) == 5
    (message,) = warnings(caplog)
    assert ('2 lines' if place == 'both' else '1 line ') in message


@pytest.mark.parametrize('line', [
    'Shim: 12 -33 41 5\n', 'Date: 20 11 2026\n', 'Stability sequence 2.1\n', '-----\n',
])
def test_whatever_new_software_says_between_tables_is_skipped(line):
    text = report_text(slices=1, columns=('mean',), sections=FIVE)
    for whole in (text + line, text.replace('Stability SNR', line + 'Stability SNR')):
        assert len(stability_report.parse(whole, NEW).unknown) == 1


@pytest.mark.parametrize('more', [None, 0, 12, 36], ids=str)
def test_what_is_not_written_yet_is_no_part_of_a_report(site, bay1, more):
    """A copy may have its size, and zeros where its text will be."""
    text = report_text(slices=1, columns=('mean',), sections=FIVE)
    begun = '' if more is None else text[:text.index('Stability ghost') + more]
    put(bay1, OLD, begun + '\0' * (len(text) - len(begun)))
    assert site.run() == []
    assert names_in(bay1) == [OLD]
    put(bay1, OLD, text)
    assert len(site.run()) == 5


@pytest.mark.parametrize('line', [
    ' 2\t1.15\n', 'slice#\tmean\n', 'Stability SNR result:\n', 'x\t1\t2\t3\n', '7\n', 'x' * 2000,
])
def test_what_may_be_a_part_of_a_table_is_not_skipped(line):
    text = report_text(slices=1, columns=('mean',), sections=FIVE)
    with pytest.raises(stability_report.ReportError):
        stability_report.parse(text + line, NEW)


def test_inside_a_table_nothing_is_forgiven():
    text = report_text(slices=2, columns=('mean',), sections=FIVE)
    with pytest.raises(stability_report.MalformedReport):
        stability_report.parse(text.replace(' 2\t', SYSTEM + ' 2\t', 1), NEW)


def test_a_decimal_comma_is_called_that():
    with pytest.raises(stability_report.MalformedReport, match='comma'):
        stability_report.parse(report_text(sections=FIVE).replace('1.15', '1,15'), NEW)


