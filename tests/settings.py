"""The product's settings, with the few differences a test run needs."""

from cryptography.fernet import Fernet

from pushdash.settings import *  # noqa: F403

PUSHDASH_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
SECRET_KEY = "only-for-tests"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
AXES_ENABLED = False
STATIC_ROOT = None  # served by the finders; WhiteNoise warns of a folder not there
