"""Cards of new characters are read as the folder reads them, before they are written."""

from __future__ import annotations

import pytest

from realtime.characters.yaml_card import read_card
from realtime.cloning.voice_kind import card_file
from realtime.errors import BadRequest


def test_a_card_is_what_the_folder_reads() -> None:
    card = read_card(card_file({"gender": "female", "description": "門番: *bold*, &c #x"}))
    assert (card.gender, card.description) == ("female", "門番: *bold*, &c #x")


@pytest.mark.parametrize("card", [{"gender": "robot"}, {"description": "x" * 3_000}])
def test_what_a_card_cannot_have_is_refused(card: dict[str, object]) -> None:
    with pytest.raises(BadRequest, match=next(iter(card))):
        card_file(card)
