"""The product's settings, with the few differences a test run needs."""

import os
from base64 import urlsafe_b64encode

from pushdash.settings import *  # noqa: F403

# The same in the servers that tests start.
PUSHDASH_ENCRYPTION_KEYS = [urlsafe_b64encode(b"only for tests".ljust(32)).decode()]
SECRET_KEY = "only-for-tests"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
AXES_ENABLED = False
STATIC_ROOT = None  # served by the finders; WhiteNoise warns of a folder not there
if "PUSHDASH_TEST_MODEL" in os.environ:
    # The database of the services that bin/test copied has all tables.
    DATABASES["default"]["TEST"] = {"TEMPLATE": DATABASES["default"]["NAME"]}  # noqa: F405
