"""The admin for a WSGI server, such as `gunicorn etl.config.wsgi`."""

import os

from django.conf import settings
from django.core import exceptions, wsgi


os.environ.setdefault("DJANGO_SETTINGS_MODULE", "etl.config.settings")

application = wsgi.get_wsgi_application()
if settings.WHAT_KEEPS_FROM_SERVING:
    raise exceptions.ImproperlyConfigured(settings.WHAT_KEEPS_FROM_SERVING)
