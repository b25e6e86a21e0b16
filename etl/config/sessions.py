"""
Sessions that end: when nobody has used one for a while, and 12 hours after it began.

The table of sessions holds until when one lasts. That is moved on as the session is used, but not
at every request, which would write each time.
"""

from __future__ import annotations

import time
from typing import Any

from django.conf import settings
from django.contrib.sessions.backends import db


_BEGAN, _USED = "began", "used"


class SessionStore(db.SessionStore):
    def __init__(self, session_key: str | None = None) -> None:
        # A hand-made cookie can hold a NUL, which the server takes in no text.
        super().__init__(session_key if session_key and session_key.isalnum() else None)

    def load(self) -> dict[str, Any]:
        data: dict[str, Any] = super().load()
        if not data:
            return data
        now = int(time.time())
        began = data.setdefault(_BEGAN, now)
        if now - began >= settings.LONGEST_SESSION:
            self.delete()
            self._session_key = None
            return {}
        if now - data.get(_USED, 0) >= settings.SESSION_COOKIE_AGE / 10:
            data[_USED] = now
            self.modified = True
        return data
