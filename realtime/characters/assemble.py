"""The characters that the files of a folder make together: voices, cards, blends and aliases."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping
from pathlib import Path
from types import MappingProxyType

from realtime.characters.bounded_file import BadVoice
from realtime.characters.character import Character, CharacterSet
from realtime.characters.converter_voice import FAMILIES as CONVERTERS
from realtime.characters.converter_voice import ConverterVoice
from realtime.characters.gpt_sovits_voice import BadVoiceCard, GptSovitsCard, GptSovitsVoice
from realtime.characters.indextts_voice import IndexTtsCard, IndexTtsVoice
from realtime.characters.names import ALLOWED, composed_name, valid_name
from realtime.characters.reference_clip import CLIP_ENDINGS, ReferenceClip
from realtime.characters.remote_voice import FAMILIES as REMOTE
from realtime.characters.remote_voice import RemoteCard, RemoteVoice, remote_voice
from realtime.characters.voices import KokoroVoice, VallePrompt, Voice, VoicePacks, blend
from realtime.characters.watched_folder import CharacterSource, WatchedFolder
from realtime.characters.yaml_card import LANGUAGES, CharacterCard, ModelVoice
from realtime.errors import shortlist
from realtime.model_id import split_id

MOST_DEPTH = 8  # of blends that are made of blends
# Engines that need voice data of their own.
FAMILIES = (
    *(each.family for each in (KokoroVoice, VallePrompt, GptSovitsVoice, IndexTtsVoice)),
    *CONVERTERS,
    *REMOTE,
)
# Kokoro's own way of naming a voice: af_heart is American and female.
LANGUAGE_LETTERS = {"a": "en", "b": "en", "j": "ja", "z": "zh"}
GENDER_LETTERS = {"f": "female", "m": "male"}
EMPTY_CARD = CharacterCard()


def assemble(folder: WatchedFolder, packs: VoicePacks, engines: Collection[str]) -> CharacterSet:
    """Make the characters of a folder's files; `engines` are those that a card may name."""
    return _Assembly(folder, packs, engines).assemble()


class _Broken(Exception):
    """A character that cannot be made, with the file at fault and the reason."""

    def __init__(self, file: str, reason: str) -> None:
        super().__init__(reason)
        self.file = file
        self.reason = reason


class _Assembly:
    """The state of one assembly: files sorted by character, voices made so far, faults."""

    def __init__(self, folder: WatchedFolder, packs: VoicePacks, engines: Collection[str]) -> None:
        self._folder = folder
        self._packs = packs
        self._engines = engines
        self._files: dict[str, dict[str, CharacterSource]] = {}  # name -> ending -> file
        self._voices: dict[str, Voice] = {}
        self._depths: dict[str, int] = {}  # how many blends lie under a blend, itself included
        self._broken: dict[str, str] = {}
        self._unusable: dict[str, str] = {}

    def assemble(self) -> CharacterSet:
        if self._folder.fault:
            self._note_fault(str(self._folder.path), self._folder.fault)
        for source in self._folder.sources.values():
            if not source.file.endswith(CLIP_ENDINGS):
                self._add_file(source)
        for name in sorted(self._files):
            self._check_character(name)
        names = [name for name in sorted(self._files) if name not in self._unusable]
        aliases = self._aliases(names)
        characters = {name: self._character(name, aliases) for name in names}
        return CharacterSet(
            characters=MappingProxyType(characters),
            aliases=MappingProxyType(aliases),
            broken=MappingProxyType(self._broken),
            unusable=MappingProxyType(self._unusable),
        )

    def _note_fault(self, file: str, reason: str) -> None:
        shown = file if file.isprintable() else ascii(file)[1:-1]
        before = self._broken.get(shown)
        self._broken[shown] = reason if before is None else f"{before}; {reason}"

    def _add_file(self, source: CharacterSource) -> None:
        """Put a file beside the other one of its character, or note why it cannot be used."""
        stem, _, ending = source.file.rpartition(".")
        if not valid_name(stem):
            self._note_fault(source.file, f"its name cannot be a character's: {ALLOWED}")
        elif ending == "yml":
            self._note_fault(source.file, "a character's file ends with .yaml")
        elif ending in self._files.setdefault(composed_name(stem), {}):
            self._note_fault(source.file, "another file has the same name in other letters")
        else:
            self._files[composed_name(stem)][ending] = source

    def _check_character(self, name: str) -> None:
        try:
            self._check_engines(name, self._voice(name, ()))
        except _Broken as broken:
            self._note_fault(broken.file, broken.reason)
            self._unusable[name] = f"{broken.file}: {broken.reason}"

    def _yaml_file(self, name: str) -> str:
        source = self._files[name].get("yaml")
        return source.file if source else f"{name}.yaml"

    def _card(self, name: str) -> CharacterCard:
        source = self._files.get(name, {}).get("yaml")
        if source is None:
            return EMPTY_CARD
        if not isinstance(source.content, CharacterCard):
            raise _Broken(source.file, source.fault)
        return source.content

    def _voice(self, name: str, above: tuple[str, ...]) -> Voice:
        """Return the voice of the character's file, or the one that its card makes of others.

        `above` are the blends that this voice is a part of, the outermost first.
        """
        if name not in self._voices:
            card, npz = self._card(name), self._files[name].get("npz")
            if npz is None and card.model_voice is not None:
                self._voices[name] = self._model_voice(name, card.engine, card.model_voice)
            elif npz is None:
                self._voices[name] = self._blended_voice(name, card, above)
            elif card.voice or card.model_voice:
                raise _Broken(self._yaml_file(name), f"it names a voice, and {npz.file} holds one")
            elif not isinstance(npz.content, Voice):
                raise _Broken(npz.file, npz.fault)
            else:
                self._voices[name] = npz.content
        return self._voices[name]

    def _model_voice(self, name: str, engine: str, card: ModelVoice) -> Voice:
        """Return a voice that a model has; a card that may be for several engines names its own."""
        if isinstance(card, GptSovitsCard):
            return GptSovitsVoice(card, self._clips(name, card.clips))
        if isinstance(card, IndexTtsCard):
            return IndexTtsVoice(card, self._clips(name, card.clips))
        families = REMOTE if isinstance(card, RemoteCard) else CONVERTERS
        if engine not in families:
            there = " or ".join(families)
            raise _Broken(
                self._yaml_file(name), f"engine is {engine!r}; its voice is one for {there}"
            )
        if not isinstance(card, RemoteCard):
            return ConverterVoice(engine, card)
        try:
            return remote_voice(engine, card)
        except BadVoiceCard as error:
            raise _Broken(self._yaml_file(name), f"voice: {error}") from None

    def _clips(self, name: str, clips: Collection[str]) -> Mapping[str, ReferenceClip]:
        """Return the clips of a voice, which lie beside its card."""
        found = {}
        for clip in clips:
            source = self._folder.sources.get(clip)
            if source is None or not isinstance(source.content, ReferenceClip):
                fault = "there is no such file" if source is None else source.fault
                raise _Broken(self._yaml_file(name), f"voice: reference {clip!r}: {fault}")
            found[clip] = source.content
        return MappingProxyType(found)

    def _blended_voice(self, name: str, card: CharacterCard, above: tuple[str, ...]) -> Voice:
        file = self._yaml_file(name)
        if not card.voice:
            raise _Broken(file, f"there is no {name}.npz beside it and no key voice in it")
        try:
            self._check_depth(file, len(above) + 1)
            below = (*above, name)
            voice = blend((weight, self._part(part, below)) for part, weight in card.voice.items())
            self._depths[name] = 1 + max(self._depths.get(part, 0) for part in card.voice)
            self._check_depth(file, self._depths[name])
            return voice
        except _Broken as broken:
            if broken.file == file:
                raise
            raise _Broken(file, f"voice: {broken.file}: {broken.reason}") from broken
        except (BadVoice, OSError) as error:
            raise _Broken(file, f"voice: {error}") from error

    def _check_depth(self, file: str, depth: int) -> None:
        if depth > MOST_DEPTH:
            raise _Broken(file, f"voice: it is made of parts of parts over {MOST_DEPTH} deep")

    def _part(self, part: str, above: tuple[str, ...]) -> Voice:
        """Return a part of a blend: another character's voice, or else a voice of a package."""
        if part in self._files and part != above[-1]:
            if part in above:
                circle = " > ".join((*above, part))
                raise _Broken(self._yaml_file(above[-1]), f"voice: it goes in a circle: {circle}")
            return self._voice(part, above)
        found = self._packs.get(part)
        if found is None:
            known = sorted({*self._files, *self._packs.names()} - set(above))
            there = shortlist(difflib.get_close_matches(part, known, 3) or known)
            raise _Broken(
                self._yaml_file(above[-1]), f"voice: there is no voice {part!r}; there are: {there}"
            )
        return found

    def _check_engines(self, name: str, voice: Voice) -> None:
        card, file = self._card(name), self._yaml_file(name)
        if card.engine not in ("", voice.family):
            raise _Broken(
                file,
                f"engine is {card.engine!r}, and its voice is one for {voice.family!r}; to have "
                f"another engine speak a language say engines: {{{LANGUAGES[0]}: {card.engine}}}",
            )
        usable = (*self._engines, voice.family)
        for language, engine in card.engines.items():
            family = split_id(engine)[0]  # of a model by its id: people bring it later
            foreign = family in FAMILIES and family != voice.family
            if foreign or (self._engines and family not in usable):
                there = shortlist(sorted((set(usable) - set(FAMILIES)) | {voice.family}))
                raise _Broken(
                    file, f"engines: {language} is {engine!r}; usable with its voice are: {there}"
                )
        own = own_language(voice)
        if own and card.language not in ("", own):
            raise _Broken(file, f"language is {card.language!r}, and its prompt speaks {own!r}")

    def _aliases(self, names: list[str]) -> dict[str, str]:
        """Return alias -> name; a name wins over an alias, the first character over the next."""
        taken: dict[str, str] = {}
        for name in names:
            for alias in self._card(name).aliases:
                owner = alias if alias in self._files else taken.setdefault(alias, name)
                if owner != name or alias == name:
                    self._note_fault(
                        self._yaml_file(name), f"aliases: {alias!r} is taken by {owner!r}"
                    )
        return taken

    def _character(self, name: str, aliases: Mapping[str, str]) -> Character:
        card, voice = self._card(name), self._voices[name]
        language, gender = self._language_and_gender(name)
        language = own_language(voice) or language
        return Character(
            name=name,
            display_name=card.display_name or name,
            engine=voice.family,
            language=language,
            native=tuple(dict.fromkeys((language, *card.native))),
            languages=_languages(voice),
            gender=gender,
            description=card.description,
            licence=card.licence,
            source=card.source,
            speed=_speed(card, voice),
            median_pitch=card.median_pitch,
            aliases=tuple(alias for alias in card.aliases if aliases.get(alias) == name),
            picture=self._picture(name, card),
            engines=card.engines,
            voice=voice,
            digest=voice.digest,
        )

    def _language_and_gender(self, name: str) -> tuple[str, str]:
        """Return what the card says, else the heaviest part of its blend, else the name."""
        language = gender = ""
        while True:
            card = self._card(name)
            language, gender = language or card.language, gender or card.gender
            part = _heaviest(card.voice, name)
            if part == name or part not in self._files:
                break
            name = part
        by_name = _by_name(part)
        return language or by_name[0], gender or by_name[1]

    def _picture(self, name: str, card: CharacterCard) -> Path | None:
        if card.picture and card.picture not in self._folder:
            self._note_fault(
                self._yaml_file(name), f"picture: there is no file {card.picture!r} beside it"
            )
            return None
        return self._folder.path / card.picture if card.picture else None


def own_language(voice: Voice) -> str:
    """Return the language of the clip that a voice was made of; "" where it may speak any."""
    return voice.language if isinstance(voice, VallePrompt | GptSovitsVoice) else ""


def _languages(voice: Voice) -> tuple[str, ...]:
    """Return the languages in which a voice can be asked to speak; a converter's is for none."""
    if isinstance(voice, RemoteVoice):
        return voice.languages
    return () if isinstance(voice, ConverterVoice) else LANGUAGES


def _speed(card: CharacterCard, voice: Voice) -> float:
    """Return the card's speed, else the one among the numbers of a trained voice."""
    own = voice.card.numbers.get("speed", 1.0) if isinstance(voice, GptSovitsVoice) else 1.0
    return card.speed if card.speed != 1.0 else float(own)


def _heaviest(parts: Mapping[str, float], default: str) -> str:
    return max(parts, key=lambda part: parts[part], default=default)


def _by_name(name: str) -> tuple[str, str]:
    known = name[2:3] == "_" and name[0] in LANGUAGE_LETTERS and name[1] in GENDER_LETTERS
    return (LANGUAGE_LETTERS[name[0]], GENDER_LETTERS[name[1]]) if known else ("en", "unknown")
