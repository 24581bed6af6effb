"""A folder that anybody at a scanner's console can write to: listed, read, and moved out of.

Names are looked up in the folder that was opened, whatever its path leads to meanwhile, and no link
is followed. `move` is the one way in which files change their place; it overwrites nothing.

Python 2.7 and 3.9 or newer, standard library only.
"""
import contextlib
import ctypes
import errno
import itertools
import os
import stat

_CHUNK = 32 * 1024  # a report of 64 slices is 15 kB

_DESCRIPTORS = '/proc/self/fd/%d'

# Of the C library and Linux; see renameat2(2).
_AT_FDCWD = -100
_RENAME_NOREPLACE = 1


class Folder(object):
    """An open folder; a context manager. Every method raises EnvironmentError."""

    def __init__(self, path, flags=0):
        """`path` (str) may lead over links, unless `flags` (int, of os.open) has O_NOFOLLOW."""
        self._keep(os.open(path, os.O_RDONLY | os.O_DIRECTORY | flags), path)

    def _keep(self, descriptor, path):
        self._descriptor = descriptor
        self._path = _DESCRIPTORS % descriptor if os.path.isdir(_DESCRIPTORS[:-2]) else path

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.close()

    def close(self):
        """Gives the folder back to the system."""
        os.close(self._descriptor)

    def again(self):
        """Another Folder of the same, for which nothing is asked of its file system."""
        other = Folder.__new__(Folder)
        other._keep(os.dup(self._descriptor), self._path)
        return other

    def at(self, name):
        """The path of `name` (str) in the folder that was opened."""
        return os.path.join(self._path, name)

    def names(self):
        """The names of all that is in it (list of str)."""
        return os.listdir(self._path)

    def names_in(self, subfolder):
        """The names in a subfolder; none if it cannot be listed."""
        try:
            with self.below(subfolder) as folder:
                return folder.names()
        except EnvironmentError:  # told when something is to be moved there
            return []

    def status(self, name):
        """The status of `name` (of a link itself), or None when it is not there."""
        try:
            return os.lstat(self.at(name))
        except EnvironmentError as error:
            if error.errno != errno.ENOENT:
                raise
            return None

    def signature(self, name):
        """The `signature` of `name`, or None when it is not there."""
        status = self.status(name)
        return None if status is None else signature(status)

    @contextlib.contextmanager
    def reader(self, name):
        """A context with a descriptor (int) for reading the regular file `name`."""
        # Opening alone can rewind a tape or wait for a writer.
        _require_a_file(os.lstat(self.at(name)))
        descriptor = os.open(self.at(name), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        try:
            _require_a_file(os.fstat(descriptor))
            yield descriptor
        finally:
            os.close(descriptor)

    def read(self, name, size):
        """At most `size` (int) bytes of the regular file `name`, and its status."""
        with self.reader(name) as descriptor:
            status = os.fstat(descriptor)
            chunks = []
            while size > 0:
                # A buffer for so many bytes would take longer than a report.
                chunk = os.read(descriptor, min(size, _CHUNK))
                if not chunk:
                    break
                chunks.append(chunk)
                size -= len(chunk)
            return b''.join(chunks), status

    def below(self, name):
        """The Folder `name` in this one."""
        return Folder(self.at(name), os.O_NOFOLLOW)

    def subfolder(self, name):
        """The Folder `name` in this one, made when missing."""
        try:
            return self.below(name)
        except EnvironmentError as error:
            if error.errno != errno.ENOENT:
                raise
        try:
            os.mkdir(self.at(name))
        except EnvironmentError as error:
            if error.errno != errno.EEXIST:  # another daemon was quicker
                raise
        return self.below(name)

    def archive(self, name, signature, subfolder):
        """Moves the file, if it still has that signature, into the subfolder, made when missing.

        Returns its new name, from here; None when it has gone or changed. What has its name there
        stays: a report with the same content is called a duplicate, another gets a number.
        """
        if self.signature(name) != signature:
            return None
        new = name
        with self.subfolder(subfolder) as folder:
            while True:
                try:
                    is_moved = move(self, name, folder, new)
                except EnvironmentError as error:
                    if error.errno != errno.EEXIST:
                        raise
                else:
                    return os.path.join(subfolder, new) if is_moved else None
                stem, extension = os.path.splitext(name)
                if have_one_content(self, name, folder, name):
                    stem += '.duplicate'
                new = _free_name(folder, stem, extension)

    def reject(self, name, signature, subfolder, reason):
        """Moves the file, if it still has that signature, into the subfolder, with `reason` (str)
        in a file beside it.

        Returns its new name, from here; None when it has gone or changed.
        """
        with self.subfolder(subfolder) as folder:
            if self.signature(name) != signature:
                return None
            new = _free_name(folder, *os.path.splitext(name), also='.reason.txt')
            note = folder.at(new + '.reason.txt')
            try:
                descriptor = os.open(
                    note, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o666)
            except EnvironmentError as error:
                if error.errno != errno.EEXIST:  # another daemon was quicker
                    raise
                return None
            try:
                with os.fdopen(descriptor, 'w') as stream:
                    stream.write(reason)
                is_moved = move(self, name, folder, new)
            except EnvironmentError as error:
                os.unlink(note)  # ours, and about a file that is not there
                if error.errno != errno.EEXIST:
                    raise
                return None
            if not is_moved:
                os.unlink(note)
                return None
            return os.path.join(subfolder, new)

    def give_access(self, archived, archived_signature, mode, group):
        """Sets the mode and the group (int or None) of an archived file."""
        subfolder, name = os.path.split(archived)
        with self.subfolder(subfolder) as folder, folder.reader(name) as descriptor:
            status = os.fstat(descriptor)
            if signature(status) != archived_signature or status.st_nlink > 1:
                raise EnvironmentError(errno.ESTALE, 'it is not the file that was archived, or has '
                                       'more than one name (hard links)')
            if group is not None:
                os.fchown(descriptor, -1, group)
            if mode is not None:
                os.fchmod(descriptor, mode)


def signature(status):
    """What tells a file of one name from what it was before (tuple): its size and time.

    Not its number (inode): shares give another one at each look.
    """
    return status.st_size, status.st_mtime


def move(source, name, target, new):
    """Moves the file `name` of the Folder `source` to the name `new` in the Folder `target`.

    Returns whether it is there now: it is not when it had gone. Nothing is overwritten, nor what
    comes there meanwhile. What the system says is not believed without a look, as a server may have
    moved a file and say that it did not. Raises EnvironmentError when the file stays where it is,
    with EEXIST when `new` is taken.
    """
    before = source.status(name)
    if before is None:
        return False
    there = target.status(new)
    if there is not None:
        # One file, of which an interrupted move has left two names.
        if os.path.samestat(before, there) and have_one_content(source, name, target, new):
            os.unlink(source.at(name))
            return True
        raise EnvironmentError(errno.EEXIST, '%r is there' % new)
    for way, hinders in _WAYS:
        try:
            way(source.at(name), target.at(new))
            return True
        except EnvironmentError as error:
            if source.status(name) is None:
                return target.signature(new) == signature(before)
            if hinders(error):
                raise
    raise AssertionError('the last way raises')


def have_one_content(source, name, target, other):
    """Whether the files `name` of one Folder and `other` of another are the same to the byte."""
    try:
        with source.reader(name) as one, target.reader(other) as two:
            if os.fstat(one).st_size != os.fstat(two).st_size:
                return False
            chunk = True
            while chunk:
                chunk = os.read(one, _CHUNK)
                if os.read(two, _CHUNK) != chunk:
                    return False
            return True
    except EnvironmentError:  # no regular file: another thing of that name
        return False


def _rename_if_free(old, new):
    """At once, where Linux and the file system can do that."""
    try:
        rename = ctypes.CDLL(None, use_errno=True).renameat2
    except AttributeError:  # another system, or an old C library
        raise EnvironmentError(errno.ENOSYS, os.strerror(errno.ENOSYS))
    if rename(_AT_FDCWD, _bytes(old), _AT_FDCWD, _bytes(new), _RENAME_NOREPLACE):
        raise EnvironmentError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def _link_and_unlink(old, new):
    """By a second name, where files may have two, as on NFS."""
    os.link(old, new)
    with _taken_back_unless_moved(old, new):
        os.unlink(old)


def _reserve_and_rename(old, new):
    """Over an empty file of our own, which keeps the name from all who look before they write."""
    os.close(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o666))
    with _taken_back_unless_moved(old, new):
        os.rename(old, new)


@contextlib.contextmanager
def _taken_back_unless_moved(old, new):
    """Takes the new name away again after an error, if the file still has its old one."""
    try:
        yield
    except BaseException:
        if _is_there(old):
            os.unlink(new)
        raise


def _is_there(path):
    """Whether a file can be opened: that asks the server, where a status may be an old one."""
    try:
        os.close(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK))
    except EnvironmentError:
        return False
    return True


def _is_refused(error):
    return error.errno not in (errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP)


# Each with a function that says whether an error of it leaves nothing else to try.
_WAYS = (
    (_rename_if_free, _is_refused),
    (_link_and_unlink, lambda error: error.errno == errno.EEXIST),
    (_reserve_and_rename, lambda error: True),
)


def _bytes(path):
    return path if isinstance(path, bytes) else os.fsencode(path)


def _require_a_file(status):
    """Refuses what is no file, and a file from elsewhere that may not be everybody's to read.

    Anybody who may write to the folder may give a second name in it to any file of its file system,
    and we may be able to read more than they. But there are shares whose every file has two.
    """
    if not stat.S_ISREG(status.st_mode):
        raise EnvironmentError(errno.EINVAL, 'it is not a regular file')
    if status.st_nlink > 1 and not status.st_mode & stat.S_IROTH:
        raise EnvironmentError(errno.EMLINK, 'it has more than one name (hard links), and not '
                               'everybody may read it')


def kept_names(folder, name):
    """Those of the names under which `Folder.archive` keeps files called `name` that are there."""
    stem, extension = os.path.splitext(name)
    for beginning in (stem, stem + '.duplicate') if folder.status(name) is not None else ():
        for kept in itertools.takewhile(
                lambda kept: folder.status(kept) is not None, _numbered(beginning, extension)):
            yield kept


def _free_name(folder, stem, extension, also=''):
    """A name that nothing has in `folder`, with a number where needed; nor with `also` after it."""
    for name in _numbered(stem, extension):
        if folder.status(name) is None and not (also and folder.status(name + also) is not None):
            return name


def _numbered(stem, extension):
    """Yields the names that files called `stem` and `extension` get, one after the other."""
    yield stem + extension
    for number in itertools.count(1):
        yield '%s.%d%s' % (stem, number, extension)
