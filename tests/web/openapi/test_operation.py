"""An operation as a route declares it."""

from __future__ import annotations

from realtime.audio.formats import FORMATS
from realtime.web.app import OPERATIONS
from realtime.web.openapi.operation import GROUPS, JSON, SOUND, AnswerSpec, Operation, json_answer


def test_its_id_is_a_name_for_generated_clients() -> None:
    operation = Operation("GET", "/api/characters/{name}/picture", "Server", "See it", ())
    assert operation.id == "get_api_characters_name_picture"
    assert Operation("GET", "/", "Server", "See it", ()).id == "get"


def test_every_group_has_operations_and_every_operation_a_group() -> None:
    assert {operation.group for operation in OPERATIONS} == set(GROUPS)


def test_sound_has_the_media_types_of_the_formats() -> None:
    assert set(SOUND) == {known.content_type for known in FORMATS.values()}


def test_an_answer_with_json() -> None:
    found = json_answer(int, "A number.", 3, status=201)
    assert found == AnswerSpec(201, "A number.", {JSON: int}, example=3)
