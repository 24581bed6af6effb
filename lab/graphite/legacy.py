"""What carbon and graphite-web 1.1.10 expect of Python, and Python 3.12 no longer has.

`environment.py` copies this file into the Graphite environment, where every Python imports it as
it starts. Nothing else imports it, so no other program sees these changes.
"""

import configparser
import sys
import types

# Read by the setup.py of both.
configparser.ConfigParser.readfp = configparser.ConfigParser.read_file  # type: ignore

# Reads the colours of graphs.
configparser.SafeConfigParser = configparser.ConfigParser  # type: ignore

# Imported by both, used only for a hashing function of one's own, which we do not configure.
sys.modules["imp"] = types.ModuleType("imp")
