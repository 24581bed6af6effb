"""What lies beside the makers' checkouts, in `../shared`, and nowhere else."""
import os

import pytest

SHARED = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..', 'shared')


def shared_file(*names):
    """Path of a file there; a test that needs it is skipped where it is not."""
    path = os.path.normpath(os.path.join(SHARED, *names))
    if not os.path.exists(path):
        pytest.skip("../shared/" + '/'.join(names) + " lies beside the makers' checkouts only")
    return path


def real_report():
    """Path of a report that a scanner wrote."""
    return shared_file('real', 'Stability_20180910T090910.txt')


def golden_lines():
    """Path of what the collector of 2018 sent for it: metric path, value and epoch a line."""
    return shared_file('golden', 'original-2018-09-10.txt')
