"""The multipart form in which a recording is uploaded, with its fields read as JSON has them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, BinaryIO

from starlette.datastructures import FormData, ImmutableMultiDict, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request

from realtime.errors import BadRequest, WrongContentType
from realtime.web.requests.field_table import FieldTable
from realtime.web.requests.field_types import (
    FilesField,
    FlagField,
    NumberChoiceField,
    NumberField,
    OptionsField,
)
from realtime.web.requests.json_body import content_type_of

MOST_FIELD_BYTES = 4_096
FLAGS = {"true": True, "false": False}  # as a form and a query have them


async def read_form(request: Request, table: FieldTable, most_files: int = 1) -> FormData:
    """Read the parts of a table's fields; a large file waits in a nameless file on the disk."""
    if content_type_of(request) != "multipart/form-data":
        content_type = request.headers.get("content-type", "")[:100]
        raise WrongContentType(
            f"The content type is {content_type!r}; multipart/form-data is expected.",
            hint="With curl: -F audio=@recording.wav",
        )
    parser = MultiPartParser(
        request.headers,
        request.stream(),
        max_files=most_files,
        max_fields=len(table.fields),
        max_part_size=MOST_FIELD_BYTES,
    )
    try:
        return await parser.parse()
    except MultiPartException as error:
        if error.message.startswith("Too many files"):
            raise _too_many_files(most_files) from error
        raise BadRequest(f"The form cannot be read: {error.message}") from error


def _too_many_files(most: int) -> BadRequest:
    return BadRequest(
        f"More than {most} {'file' if most == 1 else 'files'} came, which is the limit of a form.",
        code="too_many_files",
        field="audio",
        values={"files": most},
    )


def audio_files_of(form: FormData) -> list[UploadFile]:
    """Return the uploaded files in their order, or refuse a form without one."""
    files = [each for each in form.getlist("audio") if isinstance(each, UploadFile)]
    if not files or len(files) != len(form.getlist("audio")):
        raise _no_audio()
    return files


def audio_file_of(form: FormData) -> BinaryIO:
    """Return the uploaded file, or refuse a form without one."""
    audio = form.get("audio")
    if not isinstance(audio, UploadFile):
        raise _no_audio()
    return content_of(audio)


def content_of(upload: UploadFile) -> BinaryIO:
    """Return the file of an upload, or refuse one without a name."""
    if not upload.filename:
        raise BadRequest("The file's name is empty.", code="empty_name", field="audio")
    return upload.file


def _no_audio() -> BadRequest:
    return BadRequest(
        "No audio was uploaded.",
        code="no_audio",
        hint="Send a file in the field audio; with curl: -F audio=@recording.wav",
        field="audio",
    )


def values_of(form: ImmutableMultiDict[Any, Any], table: FieldTable) -> Mapping[str, object]:
    """Return the fields as JSON would have them: numbers as such, and None for empty ones.

    A query has the same form.
    """
    numeric = NumberField | NumberChoiceField
    numbers = {field.name for field in table.fields if isinstance(field, numeric)}
    objects = {field.name for field in table.fields if isinstance(field, OptionsField)}
    flags = {field.name for field in table.fields if isinstance(field, FlagField)}
    repeated = {field.name for field in table.fields if isinstance(field, FilesField)}
    values: dict[str, object] = {}
    for name, value in form.multi_items():
        if name in values and name not in repeated:
            raise BadRequest(f"The field {name[:60]!r} comes twice.", field=name[:60])
        if name in numbers and isinstance(value, str):
            values[name] = _number(value)
        elif name in objects and isinstance(value, str):
            values[name] = _object(value)
        elif name in flags and isinstance(value, str):
            values[name] = FLAGS.get(value, value or None)
        else:
            values[name] = value or None
    return values


def _object(text: str) -> object:
    try:
        return json.loads(text) if text else None
    except (ValueError, RecursionError):
        return text


def _number(text: str) -> float | str | None:
    try:
        number = float(text)
    except ValueError:
        return text or None
    return int(number) if number.is_integer() else number
