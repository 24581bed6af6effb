"""`hops check`: what is in reports, what is wrong with them, and which metrics they would make."""
