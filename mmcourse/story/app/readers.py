"""Who is reading: each browser has a key of its own, and only its own stories.

The key is a cookie that scripts cannot read and other sites cannot send. The library knows a
reader by a hash of the key, so that whoever sees the file cannot become one of its readers.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from typing import TYPE_CHECKING

from mmcourse.story.library import Library

if TYPE_CHECKING:
    from starlette.requests import HTTPConnection
    from starlette.responses import Response

COOKIE = "mmcourse_reader"
YEAR = 365 * 24 * 3600
KEY = re.compile(r"[0-9a-f]{32}")


def key_of(request: HTTPConnection) -> str:
    """The key that a browser brought, or "" if it has none."""
    key = request.cookies.get(COOKIE, "")
    return key if KEY.fullmatch(key) else ""


def reader_of(key: str) -> str:
    """The reader whom a key belongs to.

    Raises:
        ValueError: no key.
    """
    if not key:
        raise ValueError("this browser has no key yet; open the first page again")
    return hashlib.sha256(key.encode()).hexdigest()[:32]


def give_key(response: Response, key: str = "") -> None:
    """Hand a browser its key: the one it has for another year, or a new one."""
    response.set_cookie(
        COOKIE, key or secrets.token_hex(16), max_age=YEAR, httponly=True, samesite="strict"
    )


def owned(library: Library, reader: str, hash: str) -> bytes:
    """The PNG of a picture that one of a reader's stories shows.

    Raises:
        ValueError: none of them does.
    """
    shown = library.database.rows(
        "SELECT 1 FROM used u JOIN stories s ON s.id = u.story WHERE u.hash = ? AND s.reader = ?"
        " LIMIT 1",
        *(hash, reader),
    )
    if not shown:
        raise ValueError("there is no such picture on this shelf")
    return library.png(hash)
