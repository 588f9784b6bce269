"""A table refuses the fields that it does not have, or hides them."""

from __future__ import annotations

from typing import Any

import pytest

from realtime.errors import BadRequest
from realtime.web.requests.field_table import FieldTable, RowsField
from realtime.web.requests.field_types import NeededTextField, TextField
from tests.support.documented_client import services_of

TEXT, NOTE = (
    NeededTextField("text", "A text."),
    TextField("note", "A note.", most=lambda services: 9),
)
STRICT = FieldTable("Strict", (TEXT, NOTE))
LENIENT = FieldTable("Lenient", (TEXT,), ignores_others=True)


def test_another_field_is_refused_or_hidden() -> None:
    with pytest.raises(BadRequest, match="there are: text, note") as refused:
        STRICT.open({"text": "a", "words": "b"})
    assert refused.value.code == "unknown_field"
    # What is not in the table cannot be read, so that nothing is read that is not described.
    assert LENIENT.open({"text": "a", "note": "b"}).text("note") is None


def test_the_schema_has_what_is_needed_and_null_for_what_is_not(client: Any) -> None:
    schema = STRICT.schema(services_of(client))
    assert schema == {
        "type": "object",
        "properties": {
            "text": {"description": "A text.", "type": "string"},
            "note": {"description": "A note.", "type": ["string", "null"], "maxLength": 9},
        },
        "required": ["text"],
        "additionalProperties": False,
    }
    assert "additionalProperties" not in LENIENT.schema(services_of(client))
    form = STRICT.schema(services_of(client), in_form=True)
    assert form["properties"]["note"]["type"] == "string"


def test_rows_are_a_list_of_a_tables_objects(client: Any) -> None:
    rows = RowsField("rows", "Some rows.", LENIENT, 5)
    assert rows.read(FieldTable("List", (rows,)).open({"rows": [1]})) == [1]
    with pytest.raises(BadRequest, match="a list"):
        rows.read(FieldTable("List", (rows,)).open({}))
    schema = rows.schema(services_of(client))
    assert (schema["minItems"], schema["maxItems"], schema["items"]["required"]) == (1, 5, ["text"])
