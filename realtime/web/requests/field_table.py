"""Tables of fields: the names that a request's body may have, and their JSON Schema."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from realtime.services import Services
from realtime.web.requests.field_types import Field, Schema, filled
from realtime.web.requests.fields import Fields


@dataclass(frozen=True)
class FieldTable:
    """The fields of a request's body; others are refused, or ignored where `ignores_others`."""

    name: str  # in the API's document
    fields: tuple[Field, ...]
    ignores_others: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(field.name for field in self.fields)

    def open(self, values: Mapping[str, Any]) -> Fields:
        """Return the values of these fields; a field that is in no table cannot be read."""
        if not self.ignores_others:
            Fields(values).refuse_unknown(self.names)
        return Fields({name: values[name] for name in self.names if name in values})

    def schema(self, services: Services, in_form: bool = False) -> Schema:
        """Return the JSON Schema of the body; a form's fields are empty where JSON has null."""
        described = {}
        for field in self.fields:
            schema = field.schema(services)
            if not field.needed and not in_form:
                schema = _or_null(schema)
            described[field.name] = {"description": field.about, **schema}
        needed = [field.name for field in self.fields if field.needed]
        others = None if self.ignores_others else False
        return filled(
            type="object",
            properties=described,
            required=needed or None,
            additionalProperties=others,
        )


@dataclass(frozen=True)
class RowsField(Field):
    """A list of objects with the fields of a table, which the route reads row by row."""

    row: FieldTable
    most: int
    needed: ClassVar[bool] = True

    def read(self, fields: Fields) -> list[Any]:
        return fields.rows(self.name)

    def schema(self, services: Services) -> Schema:
        rows = {"minItems": 1, "maxItems": self.most}
        return {"type": "array", "items": self.row.schema(services), **rows}


def _or_null(schema: Schema) -> Schema:
    """Return the schema of the same values and null, which is the same as absent."""
    if "anyOf" in schema:
        return {**schema, "anyOf": [*schema["anyOf"], {"type": "null"}]}
    if "type" not in schema:  # every value is allowed already
        return schema
    widened = {**schema, "type": [schema["type"], "null"]}
    if "enum" in schema:
        widened["enum"] = [*schema["enum"], None]
    return widened
