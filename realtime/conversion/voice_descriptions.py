"""Descriptions of the voices of converters for clients: their keys, formants and options."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from realtime.characters import ConverterVoice
from realtime.characters.converter_voice import FAMILIES
from realtime.engines.contract import Engine, MovesFormants, TakesOptions
from realtime.engines.options import EngineOption, OptionValue
from realtime.model_id import split_id
from realtime.models.loaded import LoadedModels

OptionType = Literal["number", "integer", "boolean", "string"]


@dataclass(frozen=True)
class OptionDescription:
    """An option of an engine; `value` is what the card of a voice says of it."""

    name: str
    about: str
    type: OptionType
    minimum: float | None
    maximum: float | None
    choices: list[str] | None
    max_length: int | None
    default: OptionValue
    value: OptionValue | None = None


@dataclass(frozen=True)
class FormantRange:
    """The bounds of `formant`."""

    minimum: float
    maximum: float


@dataclass(frozen=True)
class ConverterModel:
    """A model that is a voice by its id; `formant` is null where its formants stay."""

    id: str
    formant: FormantRange | None


@dataclass(frozen=True)
class ConverterModels:
    """The models of one engine that no card names, with the options that all of them have."""

    engine: str
    options: list[OptionDescription]
    models: list[ConverterModel]


def describe_options(
    engine: Engine | None, voice: ConverterVoice | None
) -> list[OptionDescription]:
    """Describe the options of an engine, with the values of a voice's card."""
    options: Sequence[EngineOption] = ()
    if isinstance(engine, TakesOptions):
        options = engine.options
    own = dict(voice.card.options) if voice is not None else {}
    return [_described(option, own) for option in options]


def engine_of(models: LoadedModels, family: str) -> Engine | None:
    """Return the engine of any model of a family: all have the same options, also a missing one."""
    return next((each.engine for each in models if split_id(each.id)[0] == family), None)


def describe_formants(engine: Engine | None) -> FormantRange | None:
    """Return the bounds of the formants of a model's voice; this may look at a file."""
    bounds = engine.formant_range() if isinstance(engine, MovesFormants) else None
    return None if bounds is None else FormantRange(*bounds)


def models_without_card(models: LoadedModels, named: Iterable[str]) -> list[ConverterModels]:
    """List the voices that people brought, without those whose ids are `named` by a card."""
    left_out = set(named)
    found: dict[str, ConverterModels] = {}
    for model in models:
        family, name = split_id(model.id)
        if family not in FAMILIES or not name or model.id in left_out:
            continue
        if family not in found:
            options = describe_options(model.engine, None)
            found[family] = ConverterModels(family, options, [])
        voice = ConverterModel(model.id, describe_formants(model.engine))
        found[family].models.append(voice)
    return list(found.values())


def _described(option: EngineOption, own: Mapping[str, OptionValue]) -> OptionDescription:
    schema = option.schema()
    return OptionDescription(
        name=option.name,
        about=option.about,
        type=schema["type"],
        minimum=schema.get("minimum"),
        maximum=schema.get("maximum"),
        choices=schema.get("enum"),
        max_length=schema.get("maxLength"),
        default=schema["default"],
        value=own.get(option.name),
    )
