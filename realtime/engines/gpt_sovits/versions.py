"""The versions of GPT-SoVITS, and how a file shows which one it is of.

The tensors decide, as they are what a network is filled with. v3 and v4 have the same ones; for
those the file's first bytes decide, then its configuration, then what the character's file says.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from realtime.engines.gpt_sovits.checkpoints import Checkpoint
from realtime.engines.torch_file import unusable
from realtime.errors import BadRequest, Unavailable

GPT_TABLE = "model.ar_text_embedding.word_embeddings.weight"
SOVITS_TABLE = "enc_p.text_embedding.weight"
SPEAKER = "sv_emb.weight"
FIRST_UPSAMPLING = "dec.ups.0.weight_v"
PLUS_KERNEL = 20  # of the first up-sampling layer; 16 in all other versions
FLOW_MATCHING = "cfm."
LORA = ".lora_A."


@dataclass(frozen=True)
class Version:
    """The facts of a version that decide how a voice is spoken."""

    name: str
    sovits_symbols: int = 732  # phonemes that its text front end knows
    gpt_symbols: tuple[int, ...] = (732,)  # rows of the table of a GPT file that goes with it
    spectrum_bins: int = 704  # of the reference's spectrogram, from the lowest
    speaker_vector: bool = False
    flow_matching: bool = False
    rate: int = 32_000  # Hz of the sound


VERSIONS = {
    version.name: version
    for version in (
        # The first GPT files have 512 rows, of which 322 are used.
        Version("v1", sovits_symbols=322, gpt_symbols=(512, 322), spectrum_bins=1025),
        Version("v2"),
        Version("v2Pro", speaker_vector=True),
        Version("v2ProPlus", speaker_vector=True),
        Version("v3", flow_matching=True, rate=24_000),
        Version("v4", flow_matching=True, rate=48_000),
    )
}
HEADS = {"02": "v3", "03": "v3", "04": "v4"}  # the others say what the tensors say too
PUBLISHED = {  # MD5 of the first bytes of published files, which have no such digits
    "43797be674a37c1c83ee81081941ed0f": "v3",
    "4f26b9476d0c5033e04162c486074374": "v4",
}
# Tensors that only training reads: `enc_q` hears the sound that is to be learnt, `linear_mel` was
# never used, and the codebook keeps counts of its rows.
SKIPPED = ("enc_q.", "linear_mel.")
SKIPPED_ENDS = ("_codebook.inited", "_codebook.cluster_size", "_codebook.embed_avg")
# v3 and v4 use the content before this layer, and compute the angles anew.
SKIPPED_FLOW_MATCHING = ("enc_p.proj.", "cfm.estimator.rotary_embed.inv_freq")


def version_of(checkpoint: Checkpoint, stated: str | None = None) -> Version:
    """Recognise a SoVITS file; `stated` is what the character's file says, if it does.

    A file that is none, or that could be of two versions, is an Unavailable that says so.
    """
    found = _recognise(checkpoint)
    if stated is not None and stated not in VERSIONS:
        raise BadRequest(f"version must be one of {', '.join(VERSIONS)}.", field="version")
    if found is None and stated in ("v3", "v4"):
        found = stated
    if found is None:
        raise Unavailable(
            f"{checkpoint.path} may be of v3 or of v4: their files differ in nothing but numbers.",
            code="bad_weights",
            hint="Put `v3` or `v4` into the name of the file or of its folder.",
        )
    if stated not in (None, found):
        raise unusable(checkpoint.path, f"it is of {found}, not of {stated}")
    return VERSIONS[found]


def is_lora(checkpoint: Checkpoint) -> bool:
    """Tell whether a file holds changes to a base file's tensors."""
    return any(LORA in name for name in checkpoint.weight)


def check_gpt(gpt: Checkpoint) -> int:
    """Return the rows of a GPT file's table of phonemes; any other file is refused."""
    table = gpt.weight.get(GPT_TABLE)
    if table is None or table.dim() != 2:
        other = "a SoVITS file" if _is_sovits(gpt.weight) else "some other file"
        raise unusable(gpt.path, f"it is {other}, and a GPT file was expected")
    return int(table.shape[0])


def check_pair(gpt: Checkpoint, sovits: Checkpoint, version: Version) -> None:
    """Refuse two files that number the phonemes differently."""
    rows = check_gpt(gpt)
    if rows not in version.gpt_symbols:
        wanted = " or ".join(map(str, version.gpt_symbols))
        raise Unavailable(
            f"{gpt.path} has a table of {rows} phonemes, and {sovits.path} is of {version.name}, "
            f"which needs {wanted}: the two do not go together.",
            code="bad_weights",
            hint="Files of v1 go with files of v1. Files of all other versions go together.",
        )


def is_skipped(name: str, version: Version) -> bool:
    """Tell whether a tensor is of no use for speaking."""
    skipped = SKIPPED + (SKIPPED_FLOW_MATCHING if version.flow_matching else ())
    return name.startswith(skipped) or name.endswith(SKIPPED_ENDS)


def _recognise(checkpoint: Checkpoint) -> str | None:
    """Return the name of the version; None when it is v3 or v4 and nothing says which."""
    weight = checkpoint.weight
    if not _is_sovits(weight):
        other = "a GPT file" if GPT_TABLE in weight else "some other file"
        raise unusable(checkpoint.path, f"it is {other}, and a SoVITS file was expected")
    if any(name.startswith(FLOW_MATCHING) for name in weight):
        return _flow_matching_version(checkpoint)
    if SPEAKER in weight:
        first = weight.get(FIRST_UPSAMPLING)
        if first is None or first.dim() != 3:
            raise unusable(checkpoint.path, f"it has no {FIRST_UPSAMPLING} of three dimensions")
        return "v2ProPlus" if first.shape[2] == PLUS_KERNEL else "v2Pro"
    table = weight[SOVITS_TABLE]
    for name in ("v1", "v2"):
        if table.dim() == 2 and table.shape[0] == VERSIONS[name].sovits_symbols:
            return name
    shape = tuple(table.shape)
    raise unusable(checkpoint.path, f"{SOVITS_TABLE} is {shape}, and not of 322 or 732 rows")


def _is_sovits(names: Iterable[str]) -> bool:
    return SOVITS_TABLE in names or any(name.startswith(FLOW_MATCHING) for name in names)


def _flow_matching_version(checkpoint: Checkpoint) -> str | None:
    model = checkpoint.config.get("model")
    said = model.get("version") if isinstance(model, dict) else None
    known = HEADS.get(checkpoint.head) or PUBLISHED.get(checkpoint.start_md5)
    return known or (said if said in ("v3", "v4") else None)
