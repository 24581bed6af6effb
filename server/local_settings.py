"""Settings of graphite-web in its container; all others are graphite-web's own."""

import secrets

STORAGE_DIR = "/var/lib/graphite"
WHISPER_DIR = "/var/lib/graphite/whisper"
# Otherwise only what is there when it starts.
STANDARD_DIRS = [WHISPER_DIR]
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": "/var/lib/graphite/graphite.db",
    }
}
LOG_DIR = "/var/log/graphite"
LOG_ROTATION = False

# Nobody logs in, so that it may be new at each start.
SECRET_KEY = secrets.token_hex()
ALLOWED_HOSTS = ["*"]
TIME_ZONE = "UTC"

# For points that carbon has not written yet.
CARBONLINK_HOSTS = ["carbon:7002"]

# Threads that read whisper files wait for each other.
USE_WORKER_POOL = False
