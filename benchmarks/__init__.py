"""What a report costs, beside what it would cost at least. `script/bench` runs it."""

import diamond3

diamond3.activate()  # before anything imports Diamond
