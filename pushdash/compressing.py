"""Pages, style sheets and scripts leave compressed. Not so: files of many rows, which are
streamed, and answers to POST.

BREACH needs a secret in a page beside text of the attacker. Django masks the CSRF token anew in
each page and adds up to 100 random bytes to each answer; cookies are SameSite=Lax, so another
site makes no request as somebody but by opening a page of ours; and secrets (a token revealed,
one just made) are answers to POST.
"""

from __future__ import annotations

import gzip
from functools import lru_cache

from django.conf import settings
from django.http import FileResponse, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.middleware.gzip import GZipMiddleware, re_accepts_gzip
from django.utils.cache import patch_vary_headers

#: The other static files are fonts, which are packed already.
PACKED = ("text/css", "text/javascript", "image/svg+xml")
#: Static files whose packed form is remembered: 130 KB in all.
REMEMBERED = 32


class CompressPages(GZipMiddleware):
    """gzip for whoever takes it."""

    def process_response(
        self, request: HttpRequest, response: HttpResponseBase
    ) -> HttpResponseBase:
        """The answer, compressed or as it was."""
        if request.method != "GET":
            return response
        if request.path_info.startswith(f"/{settings.STATIC_URL.lstrip('/')}"):
            return _static(request, response)
        return (
            response
            if response.streaming
            else super().process_response(request, response)
        )


def _static(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    kind = response.headers.get("Content-Type", "").partition(";")[0]
    if not isinstance(response, FileResponse) or kind not in PACKED:
        return response
    patch_vary_headers(response, ("Accept-Encoding",))
    taken = re_accepts_gzip.search(request.headers.get("Accept-Encoding", ""))
    if response.status_code != 200 or not taken:
        return response
    body = _packed(b"".join(response.streaming_content))
    packed = HttpResponse(body, headers=dict(response.items()))
    packed.headers["Content-Encoding"] = "gzip"
    packed.headers["Content-Length"] = str(len(body))
    response.close()
    return packed


@lru_cache(REMEMBERED)
def _packed(body: bytes) -> bytes:
    return gzip.compress(body, mtime=0)
