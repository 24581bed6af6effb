"""`hops backfill`: years of old reports, through the site's own collector into its Graphite."""
