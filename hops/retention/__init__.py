"""`hops retention`: how whisper files keep their series, and the mending of those that keep them in
another way than they should."""
