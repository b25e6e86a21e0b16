"""The admin for a WSGI server, such as `gunicorn etl.config.wsgi`."""

import os

from django.conf import settings
from django.core import exceptions, wsgi


os.environ.setdefault("DJANGO_SETTINGS_MODULE", "etl.config.settings")

application = wsgi.get_wsgi_application()
if not settings.IS_KEY_LASTING:
    raise exceptions.ImproperlyConfigured(
        "SECRET_KEY is not set: each process would have a key of its own, and end the sessions of"
        " the others; set it to the output of"
        " `python -c 'import secrets; print(secrets.token_urlsafe(50))'`"
    )
