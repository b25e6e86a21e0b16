"""Receive an uploaded file: to a private copy on disk, and from there to the use case."""

from __future__ import annotations

import base64
import hashlib
import re
import tempfile
from collections.abc import Iterable, Mapping
from typing import Any, Final

from django import http
from django.conf import settings
from django.core.files import uploadedfile, uploadhandler
from django.utils import timezone
from rest_framework import exceptions, parsers, request

from etl.api import permissions, problems, serializers
from etl.intake import packed, sources
from etl.usecases import load, outcomes, stage


_FIELDS: Final = 65_536  # bytes that a request may have beside its file
_PACKED: Final = 20  # times that a packed file is taken to be larger than it is
_BLOCK_SIZE: Final = 262_144
_ALGORITHMS: Final = {"sha-256": hashlib.sha256, "sha-512": hashlib.sha512}
_DIGEST: Final = re.compile(r"([a-z0-9*_.-]+)=:([A-Za-z0-9+/=]*):")


class Handler(uploadhandler.FileUploadHandler):
    """Writes the one file of a request to disk, under a name in which the client has no say."""

    def handle_raw_input(self, _: Any, __: Any, content_length: int, *___: Any) -> None:
        if content_length > settings.LARGEST_UPLOAD + _FIELDS:
            raise _too_large()

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        super().new_file(*args, **kwargs)
        if hasattr(self, "file"):
            raise exceptions.ParseError("Expected one file in the field 'file', found more.")
        # Closed by the view, whatever becomes of the request.
        self.file = tempfile.NamedTemporaryFile(prefix="d0010-upload-")  # noqa: SIM115 - see above

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        if start + len(raw_data) > settings.LARGEST_UPLOAD:
            raise _too_large()
        self.file.write(raw_data)

    def file_complete(self, file_size: int) -> uploadedfile.UploadedFile[Any]:
        self.file.flush()
        return uploadedfile.UploadedFile(file=self.file, name=self.file_name, size=file_size)

    def close(self) -> None:
        if hasattr(self, "file"):
            self.file.close()


def _too_large() -> problems.TooLargeError:
    return problems.TooLargeError(
        f"A file of more than {settings.LARGEST_UPLOAD:,} bytes is not taken here: load it by the"
        " command load_flows, or send it packed by gzip."
    )


class _Watched:
    """A request's content as it is read: its length, its end, and its digests."""

    def __init__(self, stream: Any, algorithms: Iterable[str]) -> None:
        self._stream = stream
        self.size = 0
        self.end = b""
        self.digests = {name: _ALGORITHMS[name]() for name in algorithms}

    def read(self, size: int = -1) -> bytes:
        data: bytes = self._stream.read(size)
        self.size += len(data)
        self.end = (self.end + data)[-256:]
        for digest in self.digests.values():
            digest.update(data)
        return data


class Parser(parsers.MultiPartParser):
    """Parses what came whole, and is what its digest says; else nobody sees any of it."""

    def parse(
        self, stream: Any, media_type: str | None = None, parser_context: Any = None
    ) -> parsers.DataAndFiles[Any, Any]:
        meta = parser_context["request"].META
        told = _told(meta.get("HTTP_CONTENT_DIGEST", ""))
        watched: Any = _Watched(stream, told)
        parsed = super().parse(watched, media_type, parser_context)
        if watched.size != int(meta["CONTENT_LENGTH"]) or not watched.end.rstrip().endswith(b"--"):
            raise exceptions.ParseError("The request is cut short: nothing of it was taken.")
        files: Any = parsed.files
        for name, expected in told.items():
            of_files = [_base64(_hash(file, name)) for file in files.values()]
            if expected not in {_base64(watched.digests[name]), *of_files}:
                raise exceptions.ParseError(
                    f"Content-Digest: the {name} is neither that of what came, nor that of the"
                    " file in it. Nothing of it was taken; send it again."
                )
        return parsed


def _told(header: str) -> Mapping[str, str]:
    """
    Return the digests of a Content-Digest (RFC 9530) that can be checked.

    :raises ParseError: if it can't be read
    """
    told = {}
    for member in filter(None, (part.strip() for part in header.split(","))):
        match = _DIGEST.fullmatch(member)
        if match is None:
            raise exceptions.ParseError("Content-Digest can't be read: expected sha-256=:BASE64:")
        name, value = match.groups()
        if name in _ALGORITHMS:
            told[name] = value.rstrip("=")
    return told


def _hash(file: uploadedfile.UploadedFile[Any], name: str) -> Any:
    found = _ALGORITHMS[name]()
    for chunk in file.chunks(_BLOCK_SIZE):
        found.update(chunk)
    return found


def _base64(found: Any) -> str:
    return base64.b64encode(found.digest()).decode().rstrip("=")


class ReceivingView(permissions.RightsView):
    """A view to which files are posted."""

    post_right = "etl.upload_flow_file"
    parser_classes = (Parser,)

    def initialize_request(
        self, request: http.HttpRequest, *args: Any, **kwargs: Any
    ) -> request.Request:
        # Before anybody reads the content, as the check of a session's token does.
        self._handler = Handler(request)
        request.upload_handlers = [self._handler]
        return super().initialize_request(request, *args, **kwargs)

    def dispatch(self, *args: Any, **kwargs: Any) -> http.response.HttpResponseBase:
        try:
            return super().dispatch(*args, **kwargs)
        finally:
            self._handler.close()

    def asked(self, request: request.Request) -> Mapping[str, Any]:
        """
        Return the file that a request brings, and its options.

        :raises APIException: if it is not one file and known options
        """
        asked = serializers.UploadSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        return asked.validated_data  # type: ignore[no-any-return] # a mapping, once it is valid

    def receive(self, options: Mapping[str, Any]) -> outcomes.FileReport:
        """
        Load the file that a request brings as the command would; a large one is only staged.

        :raises django.db.OperationalError: if the server goes away; the same again finishes it
        """
        file = options["file"]
        arrival = sources.Arrival(
            path=file.file.name,
            place=file.name,
            origin="UPLOAD",
            brought_by=self.request.user.get_username(),
        )
        (report,) = load.load_files(
            arrivals=[arrival],
            rules=stage.Rules(
                is_strict=options["strict"],
                accept_test_files=options["accept_test_files"],
                accept_wrong_counts=options["accept_wrong_counts"],
                accept_reused_file_ids=options["accept_reused_file_ids"],
            ),
            delivered_at=timezone.now(),
            in_batch=False,
            stage_only=options["stage_only"] or _is_large(file),
            on_progress=lambda *_: None,
        )
        return report


def _is_large(file: uploadedfile.UploadedFile[Any]) -> bool:
    file.seek(0)
    is_packed = file.read(len(packed.MAGIC)) == packed.MAGIC
    size: int = file.size or 0
    return size * (_PACKED if is_packed else 1) > settings.LARGEST_LOADED_AT_ONCE
