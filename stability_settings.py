"""The collector's configuration: as Diamond has it in, checked `Settings` out.

Python 2.7 and 3.9 or newer, standard library only.
"""
import datetime
import grp
import os
import re
from collections import namedtuple

import stability_report
from stability_graphite import Graphite

# location: str as configured; path: str, its part of the metric path; folder: str.
Scanner = namedtuple('Scanner', 'location path folder')

# ingest_dir, reject_dir: str; settle_seconds, confirm_seconds: float; timezone: str; precision,
# archive_mode, archive_group: int or None; graphite: Graphite or None; scanners: list of Scanner;
# coils: dict from receive channels (int) to coil name (str).
Settings = namedtuple('Settings', 'ingest_dir reject_dir settle_seconds confirm_seconds timezone '
                                  'precision archive_mode archive_group graphite scanners coils')


class SettingsError(ValueError):
    """A value that cannot be used: the key, the value and what is allowed, in a sentence."""


def defaults():
    """The configuration of which the administrator has said nothing (dict)."""
    return {
        'ingest_dir': 'Ingested',
        'reject_dir': 'Rejected',
        'settle_seconds': 5,
        'timezone': '',
        'precision': '',
        'graphite_url': '',
        'graphite_token_file': '',
        'confirm_seconds': 10,
        'archive_mode': '',
        'archive_group': '',
        'scanners': {},
        'coils': {},
    }


def read(config):
    """The checked Settings in `config`, a dict with all keys of `defaults`.

    Raises SettingsError.
    """
    return Settings(
        ingest_dir=_folder_name(config, 'ingest_dir'),
        reject_dir=_folder_name(config, 'reject_dir'),
        settle_seconds=_seconds(config, 'settle_seconds'),
        confirm_seconds=_seconds(config, 'confirm_seconds'),
        timezone=_timezone(config, 'timezone'),
        precision=_precision(config, 'precision'),
        archive_mode=_mode(config, 'archive_mode'),
        archive_group=_group(config, 'archive_group'),
        graphite=_graphite(config, 'graphite_url', 'graphite_token_file'),
        scanners=_scanners(_section(config, 'scanners')),
        coils=_coils(_section(config, 'coils')))


def _wrong(key, value, allowed):
    return SettingsError('%s = %r: expected %s' % (key, value, allowed))


def _text(config, key):
    value = config[key]
    if isinstance(value, (list, tuple, dict)):
        raise _wrong(key, value, 'one value (put quotes around one with a comma)')
    return str(value).strip()


def _folder_name(config, key):
    value = _text(config, key)
    if value in ('', '.', '..') or '/' in value or '\0' in value:
        raise _wrong(key, value, "the name of a subfolder of the scanner's folder, like Ingested")
    return value


def _seconds(config, key):
    value = _text(config, key)
    if not re.match(r'[0-9]+(\.[0-9]+)?\Z', value):
        raise _wrong(key, value, 'seconds, 0 or more')
    return float(value)


def _timezone(config, key):
    value = _text(config, key)
    try:
        stability_report.timestamp(datetime.datetime(2018, 9, 10), value)
    except ValueError:
        raise _wrong(key, value, 'a name like America/New_York that this machine knows, or nothing')
    return value


def _precision(config, key):
    value = _text(config, key)
    if not value:
        return None
    if not re.match(r'[0-9]{1,2}\Z', value) or int(value) > 15:
        raise _wrong(key, value, 'decimals from 0 to 15, or nothing')
    return int(value)


def _mode(config, key):
    value = _text(config, key)
    if not value:
        return None
    if not re.match(r'0?[0-7]{3}\Z', value):
        raise _wrong(key, value, 'an octal mode like 0640, or nothing')
    return int(value, 8)


def _group(config, key):
    value = _text(config, key)
    if not value:
        return None
    try:
        return grp.getgrnam(value).gr_gid
    except KeyError:
        raise _wrong(key, value, 'the name of a group of this machine, or nothing')


def _graphite(config, url_key, token_key):
    url = _text(config, url_key)
    token_file = _text(config, token_key)
    if not url:
        return None
    token = _token(token_key, token_file) if token_file else None
    try:
        return Graphite(url, token)
    except ValueError as error:
        # There may be a password in it.
        raise SettingsError('%s: %s, or nothing' % (url_key, error))


def _token(key, path):
    try:
        with open(path) as stream:
            token = stream.read(65536).strip()
    except EnvironmentError as error:
        raise _wrong(key, path, 'a file that Diamond may read (%s)' % error.strerror)
    if not re.match(r'[!-~]+\Z', token):
        raise _wrong(key, path, 'a file with one line, the token')
    return token


def _section(config, key):
    if not isinstance(config[key], dict):
        raise _wrong(key, config[key], 'a section [%s] with a line for each' % key)
    return config[key]


def _scanners(section):
    scanners = []
    by_path = {}
    by_folder = {}
    for location in section:
        key = '[scanners] %s' % location
        folder = _text(section, location)
        try:
            path = stability_report.location_path(location)
        except ValueError:
            raise _wrong(key, folder, 'a location of names between slashes, '
                         'like Harvard/Northwest/Bay1')
        if not os.path.isabs(folder) or '\0' in folder:
            raise _wrong(key, folder, 'the absolute path of a folder')
        folder = os.path.normpath(folder)
        if path in by_path:
            raise _wrong(key, folder, 'a metric path of its own, not the one of %r'
                         % by_path[path])
        if folder in by_folder:
            raise _wrong(key, folder, 'a folder of its own, not the one of %r'
                         % by_folder[folder])
        scanners.append(Scanner(location, path, folder))
        by_path[path] = by_folder[folder] = location
    return scanners


def _coils(section):
    coils = {}
    for channels in section:
        key = '[coils] %s' % channels
        name = _text(section, channels)
        if not re.match(r'[1-9][0-9]*\Z', str(channels)):
            raise _wrong(key, name, 'a number of receive channels before the "="')
        if not name:
            raise _wrong(key, name, 'the name of the coil in the metric path')
        coils[int(channels)] = stability_report.metric_name(name)
    return coils
