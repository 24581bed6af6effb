"""`hops doctor`: the road of a report looked at before the first one goes along it."""
