"""The product's settings, with the few differences a test run needs."""

from base64 import urlsafe_b64encode

from pushdash.settings import *  # noqa: F403

# The same in the servers that tests start.
PUSHDASH_ENCRYPTION_KEYS = [urlsafe_b64encode(b"only for tests".ljust(32)).decode()]
SECRET_KEY = "only-for-tests"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
AXES_ENABLED = False
STATIC_ROOT = None  # served by the finders; WhiteNoise warns of a folder not there
