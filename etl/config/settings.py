"""Settings, and the only place that reads the environment."""

import os
import pathlib

import dj_database_url


BASE_DIR = pathlib.Path(__file__).resolve().parents[2]

# A server of one's own is named by DATABASE_URL; without one, the first connection starts an
# embedded PostgreSQL whose data lives in D0010_DATA_DIR (see docker-free-setup.md).
DATABASE_URL = os.environ.get("DATABASE_URL", "")
if DATABASE_URL:
    DATABASES = {"default": dj_database_url.parse(DATABASE_URL)}
else:
    DATABASES = {"default": {"ENGINE": "etl.postgres.embedded", "NAME": "d0010"}}

INSTALLED_APPS = [
    "etl.apps.EtlConfig",
    "warehouse.apps.WarehouseConfig",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

USE_TZ = True
# Readings are stamped with UK clock time (DTC Domains); screens and commands speak it too.
TIME_ZONE = "Europe/London"
LANGUAGE_CODE = "en-gb"

SECRET_KEY = "placeholder"
ROOT_URLCONF = "etl.config.urls"
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
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
