"""urllib: addresses, and what is behind them."""

import urllib.parse
import urllib.request

from diamond3.python2 import rest_of, urllib2

__getattr__ = rest_of(urllib.parse, urllib2, urllib.request)
