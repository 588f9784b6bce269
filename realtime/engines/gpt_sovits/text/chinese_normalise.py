"""Chinese text as the models learnt it: simplified characters, six signs, everything in words."""

from __future__ import annotations

import re

from realtime.engines.gpt_sovits.text.chinese_expressions import say_expressions
from realtime.engines.gpt_sovits.text.cutting import shrink_signs
from realtime.engines.gpt_sovits.text.digits import plain_digits

_GREEK = {
    "α": "阿尔法", "β": "贝塔", "γ": "伽玛", "δ": "德尔塔", "ε": "艾普西龙", "ζ": "捷塔",
    "η": "依塔", "θ": "西塔", "ι": "艾欧塔", "κ": "喀帕", "λ": "拉姆达", "μ": "缪", "ν": "拗",
    "ξ": "克西", "ο": "欧米克伦", "π": "派", "ρ": "肉", "ς": "西格玛", "σ": "西格玛", "τ": "套",
    "υ": "宇普西龙", "φ": "服艾", "χ": "器", "ψ": "普赛", "ω": "欧米伽",
}  # fmt: skip
_SPOKEN = {
    **_GREEK,
    **{letter.upper(): said for letter, said in _GREEK.items() if letter != "ς"},
    **dict(zip("①②③④⑤⑥⑦⑧⑨⑩", "一二三四五六七八九十", strict=True)),
    "〇": "零", "+": "加", "×": "乘", "÷": "除", "=": "等于", "&": "和",
    "‰": "千分号", "%": "百分号",
    "嗯": "恩", "呣": "母",  # these two have no syllable in the table
}  # fmt: skip
_SIGNS = {
    "：": ",", "；": ",", "，": ",", "、": ",", "·": ",", "/": ",", ":": ",", ";": ",", "-": ",",
    "。": ".", "\n": ".", "$": ".", "！": "!", "？": "?", "~": "…", "～": "…",
}  # fmt: skip
_LAST = str.maketrans({**_SPOKEN, **_SIGNS})
_HALF = str.maketrans(
    {
        **{chr(code): chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F) if chr(code).isalnum()},
        "％": "%", "＋": "+", "－": "-", "−": "-", "＝": "=", "／": "/", "．": ".",
        "＄": "$", "’": "'",
    }
)  # fmt: skip
_DROPPED = re.compile(r"[—《》【】<>{}()（）#@“”^_|\\]")
_SPACE_IN_NUMBER = re.compile(r"(?<=\d)\s+(?=\d)")
_SPACES = re.compile(r"[^\S\n]+")
_PER = re.compile(r"(?<=[元块角米克升吨个人次件度瓦斤秒分年月日天时])/(?=[\u4e00-\u9fff])")
_UNSPOKEN = re.compile(r"[^\u4e00-\u9fa5A-Za-z!?…,.'-]+|(?<![A-Za-z])'+|'+(?![A-Za-z])")
_SPACED_LETTERS = re.compile(r"(?<=[A-Za-z'])[^\S\n]+(?=[A-Za-z])")
_GAP = "\ue000"  # holds a space between two Latin words while the others are dropped


def normalise(text: str) -> str:
    """Write a Chinese text in simplified characters and the six signs; Latin letters stay.

    The spaces between Latin words stay too: those words are read as English.
    """
    from misaki.zh_normalization.char_convert import tranditional_to_simplified

    text = _SPACED_LETTERS.sub(_GAP, plain_digits(text).translate(_HALF))
    text = _SPACES.sub("", _SPACE_IN_NUMBER.sub("，", text))
    text = tranditional_to_simplified(_DROPPED.sub("", text))
    text = _PER.sub("每", say_expressions(text)).translate(_LAST).replace("...", "…")
    text = "".join(
        part if part == _GAP else _UNSPOKEN.sub("", part) for part in re.split(f"({_GAP})", text)
    )
    return shrink_signs(text).replace(_GAP, " ")
