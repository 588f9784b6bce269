"""The reader of the settings, and the only one of `yamabiko.yaml` and the environment.

Order: command-line option, environment (`YAMABIKO_LIMITS__TEXT`), file, default. Unknown names,
wrong types and impossible values are refused with the key, what came and what is allowed.
"""

from __future__ import annotations

import dataclasses
import difflib
import json
import os
import types
import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from realtime.errors import SettingsError
from realtime.settings import PREFIX, Setting, Settings, all_settings, value_of

FILE = Path("yamabiko.yaml")
OFFLINE = ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_DATASETS_OFFLINE")
# How often a thread of libgomp looks for its next work before it sleeps: about 0.1 ms, which is
# longer than the pause between two operations of a network.
SPINS, MOST_SPINS = "GOMP_SPINCOUNT", "5000"


@dataclass(frozen=True)
class LoadedSettings:
    """Settings, and where those come from that are not left at their defaults."""

    settings: Settings
    sources: Mapping[str, str]  # the name of a setting -> a file, a variable or an option


def load_settings(
    options: Mapping[str, Any] | None = None,
    environ: Mapping[str, str] | None = None,
    file: Path | None = None,
) -> Settings:
    """Read the settings of this process; `file` must exist when it is named."""
    return load_with_sources(options, environ, file).settings


def load_with_sources(
    options: Mapping[str, Any] | None = None,
    environ: Mapping[str, str] | None = None,
    file: Path | None = None,
) -> LoadedSettings:
    """Read the settings of this process, and note where each comes from."""
    known = {setting.name: setting for setting in all_settings()}
    values: dict[str, Any] = {}
    sources: dict[str, str] = {}
    for name, value in _read_file(file).items():
        values[name] = _check(_find(name, known, "the settings file"), value)
        sources[name] = str(file or FILE)
    variables = {setting.variable: setting for setting in known.values()}
    for variable, text in (os.environ if environ is None else environ).items():
        if variable.startswith(PREFIX):
            setting = _find_variable(variable, variables)
            values[setting.name] = _check(setting, _parse(setting, text))
            sources[setting.name] = variable
    for name, value in (options or {}).items():
        values[name] = _check(_find(name, known, "the options"), value)
        sources[name] = "--" + name.replace(".", "-")
    return LoadedSettings(_build(Settings, values, ""), sources)


def set_for_library(variable: str, value: str, instead_of: str = "") -> str:
    """Set a variable for a library, unless the user has set it; return its value now.

    `instead_of` is the library's own default, which it may have written there itself.
    """
    if os.environ.get(variable, instead_of) == instead_of:
        os.environ[variable] = value
    return os.environ[variable]


def share_cores() -> None:
    """Let threads of torch that wait for each other sleep soon; for before torch is imported.

    Each operation ends when its last thread does. By default the others spin for milliseconds until
    then: on a machine with other work they so keep the last one from its core, and two threads took
    eight to twenty times as long as one. Now they took three times as long.
    """
    set_for_library(SPINS, MOST_SPINS)


def environment_for_program(network: bool, more: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of a program of somebody else: without our keys and our modules.

    Without `network` it is told to fetch nothing, in the words of those who would.
    """
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith((PREFIX, "PYTHON")) and name != "VIRTUAL_ENV"
    }
    kept["PYTHONUNBUFFERED"] = "1"  # what it prints is in the log at once
    if not network:
        kept = {name: kept[name] for name in kept if not name.lower().endswith("_proxy")}
        kept |= dict.fromkeys(OFFLINE, "1")
    return kept | dict(more)


def plain_settings(settings: Settings) -> dict[str, Any]:
    """Return settings as plain values, for another process; what is secret is left out."""
    return {
        each.name: _plain(value_of(settings, each.name))
        for each in all_settings()
        if not each.limits.get("secret") and not each.name.startswith("outside.")
    }


def settings_from_plain(values: Mapping[str, Any]) -> Settings:
    """Make the settings that `plain_settings` has described."""
    return load_settings(values, environ={}, file=Path(os.devnull))


def _plain(value: Any) -> Any:
    if isinstance(value, Path):
        return str(value.resolve())
    if isinstance(value, Mapping):
        return {name: _plain(item) for name, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value


def _read_file(file: Path | None) -> dict[str, Any]:
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
    return dict(_flatten(content, ""))


def _flatten(content: Mapping[Any, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    sections = {item.name for item in dataclasses.fields(Settings) if "help" not in item.metadata}
    for name, value in content.items():
        if not prefix and name in sections and isinstance(value, dict):
            yield from _flatten(value, f"{name}.")
        else:
            yield f"{prefix}{name}", value


def _find(name: str, known: Mapping[str, Setting], where: str) -> Setting:
    if name in known:
        return known[name]
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"Did you mean {near[0]!r}?" if near else f"There are: {', '.join(known)}."
    raise SettingsError(f"{where.capitalize()} names {name!r}, which is no setting. {hint}")


def _find_variable(variable: str, variables: Mapping[str, Setting]) -> Setting:
    if variable in variables:
        return variables[variable]
    near = difflib.get_close_matches(variable, variables, n=1)
    hint = f"Did you mean {near[0]}?" if near else f"There are: {', '.join(variables)}."
    raise SettingsError(f"The environment names {variable}, which is no setting. {hint}")


_BOOLEANS = {"true": True, "yes": True, "on": True, "1": True}
_BOOLEANS |= {"false": False, "no": False, "off": False, "0": False}


def _parse(setting: Setting, text: str) -> Any:
    """Parse an environment variable; a text that does not fit stays a text, to be refused."""
    if setting.kind is bool:
        return _BOOLEANS.get(text.strip().lower(), text)
    if setting.kind in (int, float):
        try:
            return setting.kind(text)
        except ValueError:
            return text
    if setting.kind == Mapping[str, Any]:
        try:
            return json.loads(text)
        except ValueError:
            return text
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if setting.kind == tuple[str, ...]:
        return parts
    if setting.kind == Mapping[str, str]:
        pairs = [part.partition("=") for part in parts]
        return {name.strip(): value.strip() for name, _, value in pairs}
    return text


def _check(setting: Setting, value: Any) -> Any:
    if setting.kind == tuple[str, ...]:
        return _strings(setting, value)
    if setting.kind == Mapping[str, str]:
        return _mapping(setting, value)
    if setting.kind == Mapping[str, Any]:
        mapping = isinstance(value, dict | types.MappingProxyType)
        if not mapping or not all(isinstance(name, str) for name in value):
            _refuse(setting, value)
        return types.MappingProxyType(value)
    if setting.kind is Path and isinstance(value, str | Path) and str(value):
        return Path(value)
    if setting.kind is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if type(value) is not setting.kind:
        _refuse(setting, value)
    one_of = setting.limits.get("one_of")
    if one_of and value not in one_of:
        _refuse(setting, value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        # written so that NaN is refused too
        if not setting.limits.get("least", value) <= value <= setting.limits.get("most", value):
            _refuse(setting, value)
    return value


def _strings(setting: Setting, value: Any) -> tuple[str, ...]:
    words = setting.limits.get("words", ())
    if value is False and "off" in words:  # YAML reads a plain off as false
        value = "off"
    if value in words:
        value = [value]
    if not isinstance(value, list | tuple) or not all(isinstance(item, str) for item in value):
        _refuse(setting, value)
    if len(value) > 1 and any(word in value for word in words):
        _refuse(setting, value)
    choices = setting.limits.get("choices")
    if choices and not (value and all(item in (*choices, *words) for item in value)):
        _refuse(setting, value)
    return tuple(value)


def _mapping(setting: Setting, value: Any) -> Mapping[str, str]:
    allowed = setting.limits["keys"]
    if not isinstance(value, dict | types.MappingProxyType):
        _refuse(setting, value)
    if not all(name in allowed and isinstance(item, str) and item for name, item in value.items()):
        _refuse(setting, value)
    return types.MappingProxyType({**setting.default, **value})


def _refuse(setting: Setting, value: Any) -> typing.NoReturn:
    came = "not that" if setting.limits.get("secret") else repr(value)
    raise SettingsError(
        f"{setting.name} is {came}; allowed is {allowed_values(setting)}.", field=setting.name
    )


def allowed_values(setting: Setting) -> str:
    """Describe in words the values of a setting."""
    if "one_of" in setting.limits:
        return "one of " + ", ".join(setting.limits["one_of"])
    if setting.kind == Mapping[str, Any]:
        return "an object for each name"
    if "keys" in setting.limits:
        return f"a name for each of {', '.join(setting.limits['keys'])}"
    kinds = {bool: "true or false", int: "a whole number", float: "a number", Path: "a path"}
    words = kinds.get(setting.kind, "a text" if setting.kind is str else "a list of texts")
    if "choices" in setting.limits:
        words += f" of {', '.join(setting.limits['choices'])}"
    if "words" in setting.limits:
        words = f"one of {', '.join(setting.limits['words'])}, or {words}"
    if "least" in setting.limits:
        words += f" from {setting.limits['least']} to {setting.limits['most']}"
    return words


def _build(section: Any, values: Mapping[str, Any], prefix: str) -> Any:
    hints = typing.get_type_hints(section)
    found: dict[str, Any] = {}
    for item in dataclasses.fields(section):
        name = prefix + item.name
        if dataclasses.is_dataclass(hints[item.name]):
            found[item.name] = _build(hints[item.name], values, f"{name}.")
        elif name in values:
            found[item.name] = values[name]
    return section(**found)


def variable(name: str) -> str:
    """Return a variable of the environment that a setting names; "" where there is none."""
    return os.environ.get(name, "")
