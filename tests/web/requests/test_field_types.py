"""A field reads exactly the values that its JSON Schema describes."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from realtime.audio.formats import FORMATS
from realtime.errors import BadRequest
from realtime.web.requests.field_table import FieldTable
from realtime.web.requests.field_types import (
    ChoiceField,
    Field,
    FlagField,
    FormatField,
    NameField,
    NeededTextField,
    NumberChoiceField,
    NumberField,
    OptionalFlagField,
    TextField,
    WholeField,
)
from realtime.web.requests.fields import Fields
from tests.support.documented_client import services_of
from tests.support.examples import examples

KINDS: list[Field] = [
    TextField("it", "A text."),
    NeededTextField("it", "A text that must be there."),
    FlagField("it", "A yes or no."),
    OptionalFlagField("it", "A yes or no."),
    NumberField("it", "A number.", 0.25, 4),
    WholeField("it", "A whole number.", 0, 9, 3),
    ChoiceField("it", "One of some.", ("wav", "sse"), "wav"),
    NumberChoiceField("it", "One of some.", (1, 2)),
    FormatField("it", "A format.", "mp3"),
    NameField("it", "A name."),
]
SCALARS = st.none() | st.booleans() | st.text(max_size=3) | st.sampled_from([*FORMATS, "sse"])
NUMBERS = st.integers() | st.integers(-1, 10) | st.floats(allow_nan=False) | st.floats(-1, 5)
VALUES = st.recursive(
    SCALARS | NUMBERS,
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["id", "b"]), inner)
    ),
    max_leaves=3,
)


def reads(table: FieldTable, body: dict[str, Any]) -> bool:
    field: Any = table.fields[0]
    try:
        field.read(table.open(body))
    except BadRequest:
        return False
    return True


@pytest.mark.hypothesis
@pytest.mark.parametrize("field", KINDS, ids=lambda field: type(field).__name__)
def test_what_is_read_is_what_is_described(field: Field, client: Any) -> None:
    table = FieldTable("Table", (field,))
    services = services_of(client)
    schema = jsonschema.Draft202012Validator(table.schema(services))
    schema.check_schema(schema.schema)

    @examples(200)
    @given(st.fixed_dictionaries({}, optional={"it": VALUES, "other": VALUES}))
    @example({})
    @example({"it": None})
    @example({"it": 2.0})
    @example({"it": {"id": "a"}})
    def check(body: dict[str, Any]) -> None:
        if body.get("it") == "" and isinstance(field, FormatField):
            return  # read as absent, as forms have it; nobody needs it described
        assert reads(table, body) == schema.is_valid(body), body

    check()


def test_defaults_are_those_that_are_described(client: Any) -> None:
    for field in KINDS:
        default = field.schema(services_of(client)).get("default")
        if default is not None:
            found = field.read(FieldTable("Table", (field,)).open({}))  # type: ignore[attr-defined]
            assert getattr(found, "name", found) == default


def test_an_empty_text_is_none_where_its_description_says_so() -> None:
    strict, loose = TextField("a", "A text."), TextField("a", "A text.", may_be_empty=True)
    fields = Fields({"a": ""})
    assert (strict.read(fields), loose.read(fields)) == ("", None)
