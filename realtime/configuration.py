"""Reads the settings: the only reader of `yamabiko.yaml` and the environment.

Order: command-line option, environment (`YAMABIKO_LIMITS__TEXT`), file, default. Unknown names,
wrong types and impossible values are refused with the key, what came and what is allowed.
"""

from __future__ import annotations

import dataclasses
import difflib
import os
import types
import typing
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from realtime.errors import SettingsError
from realtime.settings import PREFIX, Key, Settings, keys

FILE = Path("yamabiko.yaml")


def load_settings(
    options: Mapping[str, Any] | None = None,
    environ: Mapping[str, str] | None = None,
    file: Path | None = None,
) -> Settings:
    """The settings of this process; `file` must exist when it is named."""
    known = {key.name: key for key in keys()}
    values: dict[str, Any] = {}
    for name, value in _from_file(file).items():
        values[name] = _checked(_known(name, known, "the settings file"), value)
    variables = {key.variable: key for key in known.values()}
    for variable, text in (os.environ if environ is None else environ).items():
        if variable.startswith(PREFIX):
            key = _known_variable(variable, variables)
            values[key.name] = _checked(key, _parsed(key, text))
    for name, value in (options or {}).items():
        values[name] = _checked(_known(name, known, "the options"), value)
    settings: Settings = _built(Settings, values, "")
    return settings


def set_for_library(variable: str, value: str, instead_of: str = "") -> str:
    """What a library reads in the environment, where nobody chose; gives what holds."""
    if os.environ.get(variable, instead_of) == instead_of:
        os.environ[variable] = value
    return os.environ[variable]


def _from_file(file: Path | None) -> dict[str, Any]:
    import yaml

    path = file or FILE
    if file is None and not path.exists():
        return {}
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(
            f"The settings file {path} cannot be read: {error.strerror}."
        ) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise SettingsError(f"The settings file {path} is not valid YAML: {error}") from error
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise SettingsError(f"The settings file {path} must hold names and values.")
    return dict(_flat(content, ""))


def _flat(content: Mapping[Any, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    sections = {item.name for item in dataclasses.fields(Settings) if "help" not in item.metadata}
    for name, value in content.items():
        if not prefix and name in sections and isinstance(value, dict):
            yield from _flat(value, f"{name}.")
        else:
            yield f"{prefix}{name}", value


def _known(name: str, known: Mapping[str, Key], where: str) -> Key:
    if name in known:
        return known[name]
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"Did you mean {near[0]!r}?" if near else f"There are: {', '.join(known)}."
    raise SettingsError(f"{where.capitalize()} names {name!r}, which is no setting. {hint}")


def _known_variable(variable: str, variables: Mapping[str, Key]) -> Key:
    if variable in variables:
        return variables[variable]
    near = difflib.get_close_matches(variable, variables, n=1)
    hint = f"Did you mean {near[0]}?" if near else f"There are: {', '.join(variables)}."
    raise SettingsError(f"The environment names {variable}, which is no setting. {hint}")


_BOOLEANS = {"true": True, "yes": True, "on": True, "1": True}
_BOOLEANS |= {"false": False, "no": False, "off": False, "0": False}


def _parsed(key: Key, text: str) -> Any:
    """What an environment variable's text means here; a text that fits nothing stays a text."""
    if key.kind is bool:
        return _BOOLEANS.get(text.strip().lower(), text)
    if key.kind in (int, float):
        try:
            return key.kind(text)
        except ValueError:
            return text
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if key.kind == tuple[str, ...]:
        return parts
    if key.kind == Mapping[str, str]:
        pairs = [part.partition("=") for part in parts]
        return {name.strip(): value.strip() for name, _, value in pairs}
    return text


def _checked(key: Key, value: Any) -> Any:
    if key.kind == tuple[str, ...]:
        return _strings(key, value)
    if key.kind == Mapping[str, str]:
        return _mapping(key, value)
    if key.kind is Path and isinstance(value, str | Path) and str(value):
        return Path(value)
    if key.kind is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if type(value) is not key.kind:
        _refuse(key, value)
    one_of = key.limits.get("one_of")
    if one_of and value not in one_of:
        _refuse(key, value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        # written so that NaN is refused too
        if not key.limits.get("least", value) <= value <= key.limits.get("most", value):
            _refuse(key, value)
    return value


def _strings(key: Key, value: Any) -> tuple[str, ...]:
    if not isinstance(value, list | tuple) or not all(isinstance(item, str) for item in value):
        _refuse(key, value)
    return tuple(value)


def _mapping(key: Key, value: Any) -> Mapping[str, str]:
    allowed = key.limits["keys"]
    if not isinstance(value, dict | types.MappingProxyType):
        _refuse(key, value)
    if not all(name in allowed and isinstance(item, str) and item for name, item in value.items()):
        _refuse(key, value)
    return types.MappingProxyType({**key.default, **value})


def _refuse(key: Key, value: Any) -> typing.NoReturn:
    came = "not that" if key.limits.get("secret") else repr(value)
    raise SettingsError(f"{key.name} is {came}; allowed is {allowed(key)}.", field=key.name)


def allowed(key: Key) -> str:
    """What a setting takes, in words."""
    if "one_of" in key.limits:
        return "one of " + ", ".join(key.limits["one_of"])
    if "keys" in key.limits:
        return f"a name for each of {', '.join(key.limits['keys'])}"
    kinds = {bool: "true or false", int: "a whole number", float: "a number", Path: "a path"}
    words = kinds.get(key.kind, "a text" if key.kind is str else "a list of texts")
    if "least" in key.limits:
        words += f" from {key.limits['least']} to {key.limits['most']}"
    return words


def _built(section: Any, values: Mapping[str, Any], prefix: str) -> Any:
    hints = typing.get_type_hints(section)
    found: dict[str, Any] = {}
    for item in dataclasses.fields(section):
        name = prefix + item.name
        if dataclasses.is_dataclass(hints[item.name]):
            found[item.name] = _built(hints[item.name], values, f"{name}.")
        elif name in values:
            found[item.name] = values[name]
    return section(**found)
