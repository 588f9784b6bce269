"""The settings of the server, with their defaults, bounds and explanations."""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from realtime.engine_settings import AccelerationSettings as AccelerationSettings
from realtime.engine_settings import GptSovitsApiSettings as GptSovitsApiSettings
from realtime.engine_settings import GptSovitsSettings as GptSovitsSettings
from realtime.engine_settings import GpuSettings as GpuSettings
from realtime.engine_settings import IndexTtsSettings as IndexTtsSettings
from realtime.engine_settings import OutsideSettings as OutsideSettings
from realtime.engine_settings import RemoteServersSettings as RemoteServersSettings
from realtime.engine_settings import RemoteSettings as RemoteSettings
from realtime.engine_settings import RevoiceSettings as RevoiceSettings
from realtime.engine_settings import ValleSamplingSettings as ValleSamplingSettings
from realtime.engine_settings import ValleSettings as ValleSettings
from realtime.engine_settings import VocoderSettings as VocoderSettings
from realtime.engine_settings import setting

PREFIX = "YAMABIKO_"
MEMORY = "memory://"
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
UPLOAD_CONTAINERS = "wav flac ogg mp3 aac matroska webm mov mp4 m4a".split()
UPLOAD_CODECS = "pcm flac vorbis opus mp3 aac alac".split()
ALL = "all"


@dataclass(frozen=True)
class PresetsSettings:
    path: Path = setting(Path("presets"), "folder of the characters")
    most: int = setting(
        1_000, "characters up to which new ones are made of clips", least=0, most=1_000_000
    )


@dataclass(frozen=True)
class ModelsSettings:
    path: Path = setting(Path("models"), "folder of the weights that people bring")
    devices: Mapping[str, Any] = setting(
        {}, "devices of models or engines by id, instead of what their own settings say"
    )
    threads: int = setting(0, "threads of one engine; 0: all cores", least=0, most=256)
    retry_seconds: float = setting(
        1.0, "pause before a load that failed is tried once more", least=0, most=60
    )
    recovery: Mapping[str, Any] = setting(
        {},
        "what is done when a model does not load, before the built-in actions: kind of error or "
        "exception: [actions]",
    )
    unload_seconds: float = setting(
        10.0,
        "how long a model that is unloaded by force waits for those who use it",
        least=0,
        most=3_600,
    )


@dataclass(frozen=True)
class CacheSettings:
    path: Path = setting(Path("cache"), "folder of the recordings")
    max_bytes: int = setting(
        10 << 30,
        "bytes of all recordings; those unheard for longest go first",
        least=0,
        most=1 << 60,
    )
    memory_bytes: int = setting(
        64 << 20, "bytes of recordings held in memory", least=0, most=1 << 40
    )
    finish_started: bool = setting(
        True, "whether a line requested by its address is finished when no listener is left"
    )


@dataclass(frozen=True)
class GenerateSettings:
    string_codes: bool = setting(False, "codes of /generate as texts, as old bots expect them")
    always_200: bool = setting(False, "HTTP status 200 for every answer of /generate")


@dataclass(frozen=True)
class AudioSettings:
    url_days: float = setting(
        30.0,
        "days for which a signed address of a recording holds; 0: for ever",
        least=0,
        most=36_500,
    )


@dataclass(frozen=True)
class AuthSettings:
    keys_path: Path = setting(Path("keys.yaml"), "file of the keys: id: [oldest secret … newest]")
    bearer: bool = setting(True, "whether Authorization: Bearer id:secret is accepted")
    shift_seconds: float = setting(60.0, "how old a signed request may be", least=1, most=3_600)
    skew_seconds: float = setting(5.0, "how far clocks may differ", least=0, most=300)
    nonces: int = setting(
        200_000, "signed requests remembered against repetition", least=1, most=10_000_000
    )


@dataclass(frozen=True)
class SocketsSettings:
    origins: tuple[str, ...] = setting(
        (), "pages elsewhere that may open sockets and use the page's log-in"
    )


@dataclass(frozen=True)
class CorsSettings:
    origins: tuple[str, ...] = setting((), "pages elsewhere that may call this server; *: all")


@dataclass(frozen=True)
class LimitsSettings:
    text: int = setting(5_000, "characters of a line", least=1, most=1_000_000)
    long_text: int = setting(
        50_000, "characters of a line with longprompt", least=1, most=1_000_000
    )
    body_bytes: int = setting(1_048_576, "bytes of a request body", least=1_024, most=1 << 30)
    body_seconds: float = setting(
        30.0, "seconds in which a request body must have come", least=1, most=3_600
    )
    upload_bytes: int = setting(
        200_000_000, "bytes of an upload of sound", least=1_024, most=1 << 40
    )
    upload_minutes: float = setting(60.0, "minutes of sound in an upload", least=0.01, most=1_440)
    upload_files: int = setting(16, "recordings in one upload", least=1, most=256)
    upload_seconds: float = setting(
        600.0, "seconds in which an upload must have come", least=1, most=86_400
    )
    uploads: int = setting(8, "uploads that are received or worked on", least=1, most=65_536)
    header_bytes: int = setting(
        65_536, "bytes of a request's line and headers", least=4_096, most=1 << 20
    )
    header_seconds: float = setting(
        10.0, "seconds in which a request's headers must have come", least=1, most=3_600
    )
    queued_lines: int = setting(
        256, "lines that wait for or run on one engine", least=1, most=65_536
    )
    connections: int = setting(8_192, "open connections of all clients", least=1, most=1_000_000)
    listeners: int = setting(1_024, "answers with sound under way", least=1, most=1_000_000)
    all_sockets: int = setting(4_096, "open sockets of all clients", least=1, most=1_000_000)
    requests: int = setting(600, "requests of a key a minute", least=1, most=1 << 31)
    characters: int = setting(60_000, "characters spoken for a key a minute", least=1, most=1 << 31)
    audio_seconds: int = setting(
        3_600, "seconds of sound made for a key a minute", least=1, most=1 << 31
    )
    sockets: int = setting(64, "open sockets of a key", least=1, most=1_000_000)
    refusals: int = setting(300, "refused requests of an address a minute", least=1, most=1 << 31)
    logins: int = setting(5, "failed log-ins of an address a minute", least=1, most=1 << 31)
    storage: str = setting(
        MEMORY, "where limits are counted; a redis:// address shares them between machines"
    )


@dataclass(frozen=True)
class ProcessSettings:
    formats: tuple[str, ...] = setting(
        (ALL,),
        "containers and codecs of recordings that /api/process takes; all: each that can be read",
        words=(ALL,),
        choices=tuple(dict.fromkeys(UPLOAD_CONTAINERS + UPLOAD_CODECS)),
    )


@dataclass(frozen=True)
class LogSettings:
    level: str = setting("INFO", "least level that is logged", one_of=LOG_LEVELS)
    format: str = setting("text", "format of a log line", one_of=("text", "json"))


@dataclass(frozen=True)
class Settings:
    host: str = setting("127.0.0.1", "address to listen on")
    port: int = setting(8000, "port to listen on; 0: any free one", least=0, most=65_535)
    public_url: str = setting("", "address that links begin with; empty: the request's own")
    hosts: tuple[str, ...] = setting(
        (), "host names of this server in requests; empty: without keys this machine's, else any"
    )
    proxies: tuple[str, ...] = setting(
        ("127.0.0.1", "::1"), "reverse proxies whose X-Forwarded headers are trusted"
    )
    keys: tuple[str, ...] = setting(
        (), "keys as id:secret or id:secret:listener, besides auth.keys_path", secret=True
    )
    allow_downloads: bool = setting(False, "whether missing weights may be fetched from a hub")
    preload: tuple[str, ...] = setting(
        ("hibari",), "engines that are loaded before the server is ready"
    )
    warm: tuple[str, ...] = setting(
        ("auto",),
        "engines that are loaded in the background once the server is ready; auto: those of the "
        "characters, as far as memory allows; off: none",
        words=("auto", "off"),
    )
    default_characters: Mapping[str, str] = setting(
        {"en": "af_heart", "zh": "zf_xiaoxiao", "ja": "jf_alpha", "mix": "af_heart"},
        "character of a language when a request names none",
        keys=("en", "zh", "ja", "mix"),
    )
    tasks: Mapping[str, Any] = setting(
        {},
        "models that are loaded together: name: {models, device, priority, memory_limit_mb, "
        "cleanup}",
    )
    shutdown_seconds: float = setting(
        20.0, "how long lines in progress may go on when the server stops", least=0, most=3_600
    )
    presets: PresetsSettings = field(default_factory=PresetsSettings)
    models: ModelsSettings = field(default_factory=ModelsSettings)
    gpu: GpuSettings = field(default_factory=GpuSettings)
    revoice: RevoiceSettings = field(default_factory=RevoiceSettings)
    cache: CacheSettings = field(default_factory=CacheSettings)
    vocoder: VocoderSettings = field(default_factory=VocoderSettings)
    acceleration: AccelerationSettings = field(default_factory=AccelerationSettings)
    valle: ValleSettings = field(default_factory=ValleSettings)
    gpt_sovits: GptSovitsSettings = field(default_factory=GptSovitsSettings)
    indextts: IndexTtsSettings = field(default_factory=IndexTtsSettings)
    outside: OutsideSettings = field(default_factory=OutsideSettings)
    remote: RemoteSettings = field(default_factory=RemoteSettings)
    remote_openai: RemoteServersSettings = field(default_factory=RemoteServersSettings)
    remote_gpt_sovits: RemoteServersSettings = field(default_factory=RemoteServersSettings)
    remote_voicevox: RemoteServersSettings = field(default_factory=RemoteServersSettings)
    generate: GenerateSettings = field(default_factory=GenerateSettings)
    gpt_sovits_api: GptSovitsApiSettings = field(default_factory=GptSovitsApiSettings)
    audio: AudioSettings = field(default_factory=AudioSettings)
    auth: AuthSettings = field(default_factory=AuthSettings)
    sockets: SocketsSettings = field(default_factory=SocketsSettings)
    cors: CorsSettings = field(default_factory=CorsSettings)
    process: ProcessSettings = field(default_factory=ProcessSettings)
    limits: LimitsSettings = field(default_factory=LimitsSettings)
    log: LogSettings = field(default_factory=LogSettings)


@dataclass(frozen=True)
class Setting:
    """A setting under its written name, such as `limits.text`."""

    name: str
    kind: Any
    default: Any
    limits: Mapping[str, Any]

    @property
    def variable(self) -> str:
        return PREFIX + self.name.upper().replace(".", "__")

    @property
    def help(self) -> str:
        return str(self.limits["help"])


def all_settings(section: type = Settings, prefix: str = "") -> Iterator[Setting]:
    """Yield every setting, in the order of the declarations."""
    hints = typing.get_type_hints(section)
    for item in dataclasses.fields(section):
        kind = hints[item.name]
        if dataclasses.is_dataclass(kind):
            yield from all_settings(typing.cast(type, kind), f"{prefix}{item.name}.")
        else:
            default = item.default
            if item.default_factory is not dataclasses.MISSING:
                default = item.default_factory()
            yield Setting(prefix + item.name, kind, default, item.metadata)


def bounds_of(name: str) -> tuple[float, float]:
    """Return the least and the most that a numeric setting may be, by its written name."""
    limits = next(each.limits for each in all_settings() if each.name == name)
    return limits["least"], limits["most"]


def value_of(settings: Settings, name: str) -> Any:
    """Return the value of a setting by its written name."""
    found: Any = settings
    for part in name.split("."):
        found = getattr(found, part)
    return found
