"""The collector's configuration: as Diamond has it in, checked `Settings` out.

Python 2.7 and 3.9 or newer, standard library only.
"""
import datetime
import difflib
import grp
import os
import re
from collections import OrderedDict, namedtuple

import stability_report
from stability_graphite import Graphite

# The collector's own keys: each with its default, and a sentence for the administrator.
KEYS = OrderedDict([
    ('ingest_dir', ('Ingested',
        "Archive: the subfolder of each scanner's folder that a report is moved into "
        'once Graphite has it')),
    ('reject_dir', ('Rejected',
        "The subfolder of each scanner's folder that a malformed report is moved into, "
        'with a note saying why')),
    ('settle_seconds', (5,
        'Leave a file alone until it was seen unchanged for this many seconds')),
    ('timezone', ('',
        "Time zone of the scanners' clocks, like America/New_York; empty: this "
        "machine's")),
    ('precision', ('',
        'Decimals to send, from 0 to 15; empty: as many as the report has')),
    ('graphite_url', ('',
        'Address of graphite-web, like http://127.0.0.1:8080, user:password@ before the'
        ' host where needed; empty: reports are archived unconfirmed')),
    ('graphite_token_file', ('',
        'File with a bearer token for graphite_url; empty: none')),
    ('confirm_seconds', (10,
        'Archive a report when Graphite has shown it for this many seconds: carbon '
        'keeps points in memory for a while')),
    ('archive_mode', ('',
        'Octal mode that archived reports get, like 0640; empty: unchanged')),
    ('archive_group', ('',
        'Group that archived reports get; empty: unchanged')),
    ('scanners', ({},
        'Section: one line a scanner, <location> = <absolute path of its folder>; the '
        'slashes of the location become the dots of the metric path')),
    ('coils', ({},
        'Section: one line a coil, <receive channels> = <name in the metric path>')),
])

# Levels of metric paths beside the coils: of the collector itself, and of what is judged.
_OUR_LEVELS = {'ingest', 'control'}

# Keys of every collector of Diamond's.
_DIAMONDS = ('enabled', 'interval', 'ttl_multiplier', 'byte_unit', 'measure_collector_time',
             'metrics_whitelist', 'metrics_blacklist', 'hostname', 'hostname_method', 'path',
             'path_prefix', 'path_suffix', 'instance_prefix', 'splay', 'method')

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
    return {key: default for key, (default, _) in KEYS.items()}


def read(config, diamonds=()):
    """The checked Settings in `config`, a dict with all keys of `defaults` and maybe Diamond's own,
    which are checked, too. `diamonds`: more keys (str) of the Diamond at hand.

    Raises SettingsError.
    """
    require_known(config, KEYS, diamonds)
    for check, keys in ((_number, ('interval', 'ttl_multiplier')),
                        (_switch, ('enabled', 'measure_collector_time')),
                        (_regex, ('metrics_whitelist', 'metrics_blacklist')),
                        (_text, ('hostname', 'hostname_method', 'path', 'path_prefix',
                                 'path_suffix', 'instance_prefix'))):
        for key in keys:
            if config.get(key) is not None:
                check(config, key)
    ingest_dir, reject_dir = (_folder_name(config, key) for key in ('ingest_dir', 'reject_dir'))
    if ingest_dir.lower() == reject_dir.lower():
        raise _wrong('reject_dir', reject_dir, 'another name than that of ingest_dir')
    return Settings(
        ingest_dir=ingest_dir,
        reject_dir=reject_dir,
        settle_seconds=_seconds(config, 'settle_seconds'),
        confirm_seconds=_seconds(config, 'confirm_seconds'),
        timezone=_timezone(config, 'timezone'),
        precision=_precision(config, 'precision'),
        archive_mode=_mode(config, 'archive_mode'),
        archive_group=_group(config, 'archive_group'),
        graphite=_graphite(config, 'graphite_url', 'graphite_token_file'),
        scanners=_scanners(_section(config, 'scanners')),
        coils=_coils(_section(config, 'coils')))


def require_known(config, keys, diamonds):
    """Raises SettingsError if `config` (dict) has a key that is none of a collector's own `keys`
    (str), nor of all collectors', nor of the Diamond at hand (`diamonds`, str).
    """
    known = set(keys).union(_DIAMONDS, diamonds)
    for key in config:
        if key not in known:
            shown = '[%s]' % key if isinstance(config[key], dict) else key
            meant = (difflib.get_close_matches(key.lower(), known, 1)
                     or [', '.join(sorted(keys))])[0]
            raise SettingsError('%s: there is no such %s; did you mean %s?' % (
                shown, 'section' if isinstance(config[key], dict) else 'key', meant))


def _number(config, key):
    value = _text(config, key)
    if not re.match(r'[0-9]+(\.[0-9]+)?\Z', value) or not float(value):
        raise _wrong(key, value, 'a number of more than 0, like 60')


def _switch(config, key):
    value = _text(config, key)
    if value.lower() not in ('true', 't', 'yes', 'y', 'false', 'f', 'no', 'n', ''):
        raise _wrong(key, value, 'True or False')


def _regex(config, key):
    """Later forks of Diamond take several, the published one takes one."""
    value = config[key]
    for pattern in value if isinstance(value, list) else [value]:
        try:
            re.compile(pattern)
        except re.error as error:
            raise _wrong(key, pattern, 'a regular expression like .*SNR (%s)' % error)


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
        if _OUR_LEVELS.intersection(path.split('.')):
            raise _wrong(key, folder, 'a location without a level called %s, which are names of '
                         'our own' % ' or '.join(sorted(_OUR_LEVELS)))
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
