"""Django's settings: everything that differs between machines comes from the environment.

DATABASE_URL and REDIS_URL name services; without them the private ones under var/ are used
(`pushdash.embedded`). Nothing here starts or writes anything.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from csp.constants import NONE, SELF

from pushdash import private

BASE_DIR = Path(__file__).resolve().parent.parent
VAR_DIR = private.var_dir(BASE_DIR)


def flag(name: str) -> bool:
    """True when the environment variable `name` says yes."""
    return os.environ.get(name, "").strip().lower() in {"1", "true", "yes", "on"}


def words(name: str) -> list[str]:
    """The comma-separated words of an environment variable."""
    return [
        word.strip() for word in os.environ.get(name, "").split(",") if word.strip()
    ]


def database(url: str) -> dict:
    """Django's DATABASES entry for postgresql://user:password@host:port/name?host=/socket."""
    parts = urlsplit(url)
    options = dict(parse_qsl(parts.query))
    return {
        "ENGINE": "pushdash.postgres",
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": options.pop("host", parts.hostname or ""),
        "PORT": parts.port or "",
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": options,
    }


DATABASE_URL = os.environ.get("DATABASE_URL") or private.database_url(VAR_DIR)
REDIS_URL = os.environ.get("REDIS_URL") or private.redis_url(VAR_DIR)

#: Without either, a key that lasts as long as the process: enough for `parse` and `check`.
SECRET_KEY = (
    os.environ.get("PUSHDASH_SECRET_KEY")
    or private.read_secret(VAR_DIR, "secret.key")
    or secrets.token_urlsafe(50)
)
#: Fernet keys, newest first: the first seals, all of them open.
PUSHDASH_ENCRYPTION_KEYS = words("PUSHDASH_ENCRYPTION_KEYS") or [
    key for key in [private.read_secret(VAR_DIR, "encryption.key")] if key
]

DEBUG = flag("PUSHDASH_DEBUG")
ALLOWED_HOSTS = words("PUSHDASH_ALLOWED_HOSTS") or ["localhost", "127.0.0.1", "[::1]"]
CSRF_TRUSTED_ORIGINS = words("PUSHDASH_TRUSTED_ORIGINS")
#: The demo shows its own name and refuses to be anything but local.
PUSHDASH_DEMO = flag("PUSHDASH_DEMO")

#: What `bin/up` listens to and watches beside (docs/sources.md); empty: nothing.
HEP_UDP = os.environ.get("PUSHDASH_HEP_UDP", "")
HEP_TCP = os.environ.get("PUSHDASH_HEP_TCP", "")
HEP_ALLOW = words("PUSHDASH_HEP_ALLOW")
HEP_KEY_FILE = os.environ.get("PUSHDASH_HEP_KEY_FILE", "")
#: The HTTP proxy on the way to Apple, as host:port; empty: none.
APNS_PROXY = os.environ.get("PUSHDASH_APNS_PROXY", "")
REGISTRAR_URL = os.environ.get("PUSHDASH_REGISTRAR_URL", "")
REGISTRAR_DOMAIN = os.environ.get("PUSHDASH_REGISTRAR_DOMAIN", "")

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "axes",
    "csp",
    "pushdash",
    "registrations",
    "notifications",
]
MIDDLEWARE = [
    "pushdash.cases.name_cases",
    "django.middleware.security.SecurityMiddleware",
    "pushdash.compressing.CompressPages",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "pushdash.languages.SpeakLanguage",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "pushdash.clocks.KeepTime",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "axes.middleware.AxesMiddleware",
]
ROOT_URLCONF = "pushdash.urls"
ASGI_APPLICATION = "pushdash.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": False,
        "OPTIONS": {
            "loaders": [
                (
                    "pushdash.rendering.Loader",
                    ["django.template.loaders.filesystem.Loader"],
                )
            ],
            "builtins": [
                "django.templatetags.i18n",
                "django.templatetags.l10n",
                "notifications.templatetags.pieces",
            ],
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "notifications.attention.attention",
            ],
        },
    }
]

FORM_RENDERER = "pushdash.inputs.Inputs"

DATABASES = {"default": database(DATABASE_URL)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "pushdash.logins.Logins",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
CSRF_FAILURE_VIEW = "pushdash.cases.form_refused"
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "notifications:live"
LOGOUT_REDIRECT_URL = "login"
AXES_FAILURE_LIMIT = 10
AXES_COOLOFF_TIME = 0.25  # hours
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_VERBOSE = False
AXES_LOCKOUT_TEMPLATE = "registration/locked.html"

LANGUAGE_CODE = "en"
#: Each in its own words. docs/translating.md tells how a text gets into them.
LANGUAGES = [("en", "English"), ("fr", "Français")]
LOCALE_PATHS = [BASE_DIR / "locale"]
LANGUAGE_COOKIE_NAME = "language"
LANGUAGE_COOKIE_AGE = 365 * 24 * 3600
LANGUAGE_COOKIE_HTTPONLY = True
LANGUAGE_COOKIE_SAMESITE = "Lax"
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = True

STATIC_URL = "static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATIC_ROOT = VAR_DIR / "static"
#: Served straight from static/ unless `collectstatic` has been run (Dockerfile).
WHITENOISE_USE_FINDERS = True

#: Off only for plain HTTP on loopback; on, cookies and redirects are for HTTPS alone.
HTTPS = flag("PUSHDASH_HTTPS")
SECURE_SSL_REDIRECT = HTTPS
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = HTTPS
SECURE_HSTS_PRELOAD = HTTPS
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None
SECURE_REFERRER_POLICY = "same-origin"
SESSION_ENGINE = "pushdash.sessions"
SESSION_COOKIE_SECURE = HTTPS
SESSION_COOKIE_AGE = 12 * 3600
CSRF_COOKIE_SECURE = HTTPS
LANGUAGE_COOKIE_SECURE = HTTPS
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    }
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {
        "mask": {"()": "pushdash.logs.MaskTokens"},
        "case": {"()": "pushdash.cases.NameCase"},
    },
    "formatters": {"line": {"()": "pushdash.logs.LineFormatter"}},
    "handlers": {
        "console": {
            "class": "logging.StreamHandler",
            "formatter": "line",
            "filters": ["case", "mask"],
        }
    },
    "loggers": {
        # Wake-ups come each second: only what goes wrong with them is news.
        name: {"level": "WARNING"}
        for name in ("celery.app.trace", "celery.worker.strategy", "celery.beat")
    },
    "root": {
        "handlers": ["console"],
        "level": os.environ.get("PUSHDASH_LOG_LEVEL", "INFO"),
    },
}
