"""`python -m diamond3`."""

import sys

from diamond3.cli import main

sys.exit(main())
