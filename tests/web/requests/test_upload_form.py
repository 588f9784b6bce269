"""A form's fields are read as JSON has them, and its file must be there."""

from __future__ import annotations

import io
from collections.abc import Mapping

import pytest
from starlette.datastructures import FormData, Headers, UploadFile
from starlette.requests import Request

from realtime.errors import BadRequest, WrongContentType
from realtime.web.requests.field_table import FieldTable
from realtime.web.requests.field_types import (
    FileField,
    NumberChoiceField,
    NumberField,
    TextField,
)
from realtime.web.requests.upload_form import (
    MOST_FIELD_BYTES,
    audio_file_of,
    read_form,
    values_of,
)

BOUNDARY = "x"
TABLE = FieldTable(
    "Form",
    (
        FileField("audio", "A file."),
        TextField("engine", "An engine."),
        TextField("model", "A model."),
        NumberField("pitch", "A number.", -24, 24),
        NumberField("gate", "A number.", -90, 0),
        NumberChoiceField("sample_rate", "One of some.", (8000, 16000)),
    ),
)


def request_with(body: bytes, content_type: str) -> Request:
    async def receive() -> Mapping[str, object]:
        return {"type": "http.request", "body": body, "more_body": False}

    headers = Headers({"content-type": content_type}).raw
    return Request({"type": "http", "method": "POST", "headers": headers}, receive)


def form_with(*fields: tuple[str, bytes]) -> Request:
    parts = [
        f"--{BOUNDARY}\r\nContent-Disposition: form-data; {disposition}\r\n\r\n".encode()
        + content
        + b"\r\n"
        for disposition, content in fields
    ]
    body = b"".join(parts) + f"--{BOUNDARY}--\r\n".encode()
    return request_with(body, f"multipart/form-data; boundary={BOUNDARY}")


@pytest.mark.anyio
async def test_fields_and_file_are_read() -> None:
    form = await read_form(
        form_with(('name="engine"', b"world"), ('name="audio"; filename="a.wav"', b"abc")), TABLE
    )
    assert audio_file_of(form).read() == b"abc"
    assert values_of(form, TABLE)["engine"] == "world"
    await form.close()


@pytest.mark.anyio
async def test_other_types_and_broken_forms_are_refused() -> None:
    with pytest.raises(WrongContentType, match="audio/wav"):
        await read_form(request_with(b"", "audio/wav"), TABLE)
    with pytest.raises(BadRequest):
        await read_form(request_with(b"--y\r\n\r\n", "multipart/form-data; boundary=x"), TABLE)
    with pytest.raises(BadRequest):
        await read_form(form_with(('name="engine"', b"a" * (MOST_FIELD_BYTES + 1))), TABLE)


@pytest.mark.parametrize(
    ("form", "code"),
    [
        ([], "no_audio"),
        ([("audio", "text")], "no_audio"),
        ([("audio", UploadFile(io.BytesIO(b"abc"), filename=""))], "empty_name"),
    ],
)
def test_a_form_without_a_file_is_refused(form: list[tuple[str, UploadFile]], code: str) -> None:
    with pytest.raises(BadRequest) as refused:
        audio_file_of(FormData(form))
    assert refused.value.code == code


def test_values_are_as_json_has_them() -> None:
    form = FormData([("pitch", "2.5"), ("sample_rate", "8000"), ("gate", "loud"), ("model", "")])
    values = values_of(form, TABLE)
    assert values == {"pitch": 2.5, "sample_rate": 8000, "gate": "loud", "model": None}
    assert isinstance(values["sample_rate"], int)


def test_a_field_that_comes_twice_is_refused() -> None:
    with pytest.raises(BadRequest, match="twice"):
        values_of(FormData([("engine", "world"), ("engine", "gain")]), TABLE)
