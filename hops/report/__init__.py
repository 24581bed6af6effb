"""`hops report`: a page a coil for the folder, drawn from what Graphite has."""
