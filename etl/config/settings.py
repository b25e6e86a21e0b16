"""
Settings, and the only place that reads the environment.

With nothing set, this is a private installation on one machine: an embedded PostgreSQL, DEBUG on,
a key made for it and kept beside its data. With DATABASE_URL set, it is a real one: DEBUG off
unless asked for, and SECRET_KEY and ALLOWED_HOSTS come from the environment; see "In production"
in docker-free-setup.md.
"""

import datetime
import os
import secrets
from typing import Any

import dj_database_url
from django.core import exceptions
from django.utils import functional

from etl.config import secret_key
from etl.postgres.embedded import server


CONNECT_TIMEOUT = 5  # seconds, unless DATABASE_URL says connect_timeout


def _database(url: str) -> Any:
    try:
        database = dj_database_url.parse(url)
    except ValueError:
        database = dj_database_url.DBConfig()
    if database.get("ENGINE") != "django.db.backends.postgresql":
        raise exceptions.ImproperlyConfigured(  # without the URL, which holds a password
            "DATABASE_URL can't be read: expected postgresql://USER:PASSWORD@HOST:PORT/NAME"
        )
    # Else a host that does not answer is waited for two minutes.
    database.setdefault("OPTIONS", {}).setdefault("connect_timeout", CONNECT_TIMEOUT)
    return database


LONGEST_TIMEOUT = 2_000_000  # seconds; PostgreSQL counts milliseconds, and not much further
LARGEST_SIZE = 1 << 40  # bytes


def _number(name: str, default: str, *, of: str = "seconds", most: int = LONGEST_TIMEOUT) -> int:
    text = os.environ.get(name, default)
    if not (text.isascii() and text.isdigit() and 0 < int(text) <= most):
        raise exceptions.ImproperlyConfigured(
            f"{name} is {text!r}: expected {of}, from 1 to {most:,}"
        )
    return int(text)


def _log_level(name: str, default: str) -> str:
    text = os.environ.get(name, default)
    if text.upper() not in {"DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"}:
        raise exceptions.ImproperlyConfigured(
            f"{name} is {text!r}: expected DEBUG, INFO, WARNING, ERROR or CRITICAL"
        )
    return text.upper()


# A server of one's own is named by DATABASE_URL; without one, the first connection starts an
# embedded PostgreSQL whose data lives in D0010_DATA_DIR (see docker-free-setup.md).
DATABASE_URL = os.environ.get("DATABASE_URL", "")
DATA_DIR = os.environ.get("D0010_DATA_DIR")
if DATABASE_URL:
    DATABASES = {"default": _database(DATABASE_URL)}
else:
    DATABASES = {
        "default": {
            "ENGINE": "etl.postgres.embedded",
            "NAME": "d0010",
            "OPTIONS": {"data_dir": DATA_DIR},
        }
    }
# Seconds that a command waits for what another session holds, such as a migration or a load of
# the same content; then it gives up.
LOCK_TIMEOUT = _number("D0010_LOCK_TIMEOUT", "600")

# Of an sFTP server, or of a key; `collect` reads it.
SFTP_PASSWORD = os.environ.get("D0010_SFTP_PASSWORD", "")

INSTALLED_APPS = [
    "etl.apps.EtlConfig",
    "warehouse.apps.WarehouseConfig",
    # Without discovery: `urls` does that, for a command would pay for pages that it never shows.
    "django.contrib.admin.apps.SimpleAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "axes",
    "drf_spectacular_sidecar",
    "knox",
]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

USE_TZ = True
# Readings are stamped with UK clock time (DTC Domains); screens and commands speak it too.
TIME_ZONE = "Europe/London"
LANGUAGE_CODE = "en-gb"

IS_EMBEDDED = not DATABASE_URL
DEBUG = os.environ.get("DJANGO_DEBUG", "1" if IS_EMBEDDED else "0") == "1"
# A key that changes with each start will do for commands; what serves the site refuses it.
WHAT_KEEPS_FROM_SERVING = (
    ""
    if IS_EMBEDDED or os.environ.get("SECRET_KEY")
    else "SECRET_KEY is not set: each process would have a key of its own, and end the sessions of"
    " the others; set it to the output of"
    " `python -c 'import secrets; print(secrets.token_urlsafe(50))'`"
)
SECRET_KEY = os.environ.get("SECRET_KEY") or (
    # Not before somebody needs it, since that makes the folder.
    functional.SimpleLazyObject(lambda: secret_key.kept_in(server.at(DATA_DIR).prepare_home()))
    if IS_EMBEDDED
    else secrets.token_urlsafe(50)
)
ALLOWED_HOSTS = [host for host in os.environ.get("ALLOWED_HOSTS", "").split(",") if host]

SESSION_ENGINE = "etl.config.sessions"
SESSION_COOKIE_AGE = 30 * 60  # seconds that a session lasts without being used
LONGEST_SESSION = 12 * 60 * 60  # seconds that it lasts at most
SESSION_EXPIRE_AT_BROWSER_CLOSE = True
LOGIN_URL = "admin:login"
LOGIN_REDIRECT_URL = "admin:index"
CSRF_FAILURE_VIEW = "etl.config.errors.csrf_failure"
# Only a proxy that sets these headers itself is believed, since else any client may set them.
IS_BEHIND_PROXY = os.environ.get("D0010_BEHIND_TLS_PROXY") == "1"
if not DEBUG:
    SESSION_COOKIE_SECURE = True
    CSRF_COOKIE_SECURE = True
    SECURE_SSL_REDIRECT = True
    SECURE_HSTS_SECONDS = 31_536_000
    SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    SECURE_HSTS_PRELOAD = True
    # Those who ask for it do so within, where there is no TLS; it reveals nothing.
    SECURE_REDIRECT_EXEMPT = [r"^healthz$"]
    if IS_BEHIND_PROXY:
        SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

_VALIDATION = "django.contrib.auth.password_validation"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"{_VALIDATION}.UserAttributeSimilarityValidator"},
    {"NAME": f"{_VALIDATION}.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": f"{_VALIDATION}.CommonPasswordValidator"},
    {"NAME": f"{_VALIDATION}.NumericPasswordValidator"},
]
# Passwords are not for guessing: after some wrong ones a name is locked out from that address,
# and after many, with whatever names, the address.
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
]
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = datetime.timedelta(minutes=15)
AXES_LOCKOUT_PARAMETERS = "etl.config.logins.what_is_limited"
AXES_CLIENT_IP_CALLABLE = "etl.config.logins.client_address"
MOST_FAILURES_OF_AN_ADDRESS = 50
AXES_RESET_ON_SUCCESS = True
AXES_LOCKOUT_TEMPLATE = "admin/locked_out.html"
AXES_ENABLE_ADMIN = False  # its pages delete what they show; `axes_list_attempts` lists
AXES_VERBOSE = False  # each command would begin with its version

# REST: who calls it has a token, or a session of the admin.
LARGEST_UPLOAD = _number("D0010_LARGEST_UPLOAD", "268435456", of="bytes", most=LARGEST_SIZE)
# What is larger is only staged by a request, which would else take too long.
LARGEST_LOADED_AT_ONCE = _number(
    "D0010_LARGEST_LOADED_AT_ONCE", "10000000", of="bytes", most=LARGEST_SIZE
)
REST_KNOX = {"TOKEN_TTL": datetime.timedelta(days=365)}
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "knox.auth.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "etl.api.problems.Negotiation",
    "DEFAULT_PARSER_CLASSES": [],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_THROTTLE_CLASSES": ["rest_framework.throttling.UserRateThrottle"],
    "DEFAULT_THROTTLE_RATES": {
        "user": f"{_number('D0010_REQUESTS_A_MINUTE', '600', of='a number')}/min"
    },
    "EXCEPTION_HANDLER": "etl.api.problems.handle",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "D0010 meter readings",
    "VERSION": "1",
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "SERVE_INCLUDE_SCHEMA": False,
    "COMPONENT_SPLIT_REQUEST": True,  # else a file to send would be an address to fetch
}

STATIC_URL = "static/"
WSGI_APPLICATION = "etl.config.wsgi.application"
ROOT_URLCONF = "etl.config.urls"
MIDDLEWARE = [
    "etl.config.policies.Middleware",
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "etl.config.ticked.Middleware",
    "axes.middleware.AxesMiddleware",  # the last, as it asks
]
# While one works on the pages, `runserver` serves them as they are.
if not DEBUG:
    MIDDLEWARE.insert(
        2, "whitenoise.middleware.WhiteNoiseMiddleware"
    )  # behind the redirect to TLS
    WHITENOISE_USE_FINDERS = True
    WHITENOISE_IMMUTABLE_FILE_TEST = r"\.[0-9a-f]{12}(\.\w+)?$"  # see static_names
    STATICFILES_FINDERS = [
        "django.contrib.staticfiles.finders.AppDirectoriesFinder",
        "etl.config.static_names.Finder",
    ]
    STORAGES = {
        "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
        "staticfiles": {"BACKEND": "etl.config.static_names.Storage"},
    }
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"plain": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "plain"}},
    # D0010_LOG_LEVEL=INFO shows each SQL step with its rows and seconds.
    "loggers": {
        **{
            name: {"handlers": ["stderr"], "level": _log_level("D0010_LOG_LEVEL", "WARNING")}
            for name in ("etl", "warehouse")
        },
        # With DEBUG off Django would mail tracebacks to admins that nobody named.
        "django": {"handlers": ["stderr"], "level": "ERROR"},
        "axes": {"handlers": ["stderr"], "level": "WARNING"},
        # The errors that it logs are raised as well.
        "paramiko": {"level": "CRITICAL"},
        # It warns of connections that it could not close in order; the error itself is raised.
        "psycopg": {"level": "ERROR"},
    },
}
