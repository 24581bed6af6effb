"""What graphite-web needs to show the cluster of carbon.conf as one Graphite, on either host.

To be added to local_settings.py of both hosts; the only line that differs is HERE.
"Packaged" is what graphite-web does when nothing is said.
"""

ONE = "192.0.2.1"
TWO = "192.0.2.2"
HERE = ONE  # on the other host: TWO

INSTANCES = {
    ONE: [f"{ONE}:7002:a", f"{ONE}:7102:b"],
    TWO: [f"{TWO}:7002:c"],
}

# Packaged: 127.0.0.1:7002. The caches of this host, whose points in memory are shown with what is
# in its whisper files. In the words of DESTINATIONS in carbon.conf: a hash of address and instance
# says which cache has a series, here and in the relay. With other words half of the series would be
# asked of the wrong one. The port is that of CACHE_QUERY_PORT.
CARBONLINK_HOSTS = INSTANCES[HERE]

# As packaged, although the relay has 2: of the caches of this host, one has a series.
REPLICATION_FACTOR = 1

# As packaged, the same as the relay's ROUTER_HASH_TYPE.
CARBONLINK_HASHING_TYPE = "carbon_ch"

# Packaged: none. The graphite-web of the other host, which is asked for what it has; not this one.
CLUSTER_SERVERS = [f"{host}:8080" for host in INSTANCES if host != HERE]

# As packaged. What one host lacks in a series is taken from the other. Both need the same
# storage-schemas.conf: series with different steps are not merged, one of them is shown.
REMOTE_STORE_MERGE_RESULTS = True

# As packaged. While the other host is away, this one answers with what it has.
STORE_FAIL_ON_ERROR = False

# Packaged: True. Two threads would do all looking up and asking: with a dozen questions at a time
# on both hosts each waits for the other until the timeout, and answers with an error.
USE_WORKER_POOL = False

# Packaged: 6 seconds, and everything twice. A quarter of a year of a coil takes a few seconds to
# come from the other host. One that hangs, rather than being down, is waited for four times as
# long; the next minute (REMOTE_RETRY_DELAY) it is not asked.
FETCH_TIMEOUT = 15
MAX_FETCH_RETRIES = 1
