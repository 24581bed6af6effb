"""What a scanner's archive says of a report that waits: it has it twice, or a later scan, or the
sections that its coil's reports have.

Python 2.7 and 3.9 or newer, standard library only.
"""
from collections import namedtuple

import stability_report
from stability_folder import have_one_content, kept_names

# So many bytes of a file tell that it is too large for a report.
LARGEST = stability_report.MAX_BYTES + 1

# So many archived reports are read to know which sections a coil's reports have.
_READ_FOR_SECTIONS = 20
_DAY = 86400

# A scan that is archived: str, int.
Archived = namedtuple('Archived', 'name epoch')


class Archive(object):
    """The archive in a scanner's folder, which is listed and read only where it has to be.

    An archive that cannot be used says nothing here: that is told when something is to be moved
    into it. `folder`, of the methods, is the scanner's open Folder.
    """

    def __init__(self, settings):
        """`settings`: of stability_settings."""
        self._settings = settings
        self._sections = {}
        self._scans = None

    def look_again(self):
        """Has the archive listed again when it is asked about next."""
        self._scans = None

    def note(self, name):
        """Notes that a report was archived."""
        if self._scans is not None:
            epoch = stability_report.scan_epoch(name, self._settings.timezone)
            self._scans.setdefault(epoch // _DAY, []).append(Archived(name, epoch))

    def note_sections(self, coil, report):
        """Notes that `report` is the last one of its coil."""
        self._sections[coil] = _sections_of(report)

    def duplicate_of(self, folder, name):
        """The name of a second copy of the report `name` that is archived, or None."""
        try:
            with folder.below(self._settings.ingest_dir) as archive:
                copies = [kept for kept in kept_names(archive, name)
                          if have_one_content(folder, name, archive, kept)]
        except EnvironmentError:
            return None
        return copies[1] if copies[1:] else None

    def later_scan(self, folder, waiting):
        """A scan of the coil of `waiting` that is later and of the same day (Archived), or None."""
        if self._scans is None:
            self._scans = {}
            for name in folder.names_in(self._settings.ingest_dir):
                if stability_report.is_report_name(name):
                    self.note(name)
        for scan in (self._scans or {}).get(waiting.epoch // _DAY, ()):
            if (is_later(scan, waiting)
                    and self._coil_of(self._read(folder, scan.name)) == waiting.coil):
                return scan
        return None

    def had_no_more(self, folder, coil, report):
        """Whether `report` has all sections that the coil's last one had."""
        if coil not in self._sections:
            names = stability_report.report_names(folder.names_in(self._settings.ingest_dir))
            for name in names[-_READ_FOR_SECTIONS:]:  # of each coil the newest has the last word
                archived = self._read(folder, name)
                if archived is not None:
                    self.note_sections(self._coil_of(archived), archived)
        usual = self._sections.get(coil)
        return usual is not None and usual <= _sections_of(report)

    def _read(self, folder, name):
        """The Report of that name in the archive; None for somebody else's file."""
        try:
            with folder.below(self._settings.ingest_dir) as archive:
                return stability_report.parse_bytes(archive.read(name, LARGEST)[0], name)
        except (EnvironmentError, stability_report.ReportError):
            return None

    def _coil_of(self, report):
        return None if report is None else self._settings.coils.get(report.channels)


def is_later(one, other):
    """Whether the scan of `one` (with an epoch and a name) is later than that of `other`.

    Of two at one time, as in the hour that summer time leaves out, the scanner's clock tells it.
    """
    digits = stability_report.digits
    return (one.epoch, digits(one.name)) > (other.epoch, digits(other.name))


def _sections_of(report):
    return frozenset([section.name for section in report.sections])
