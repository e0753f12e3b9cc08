"""Reads an instruction: which operations it asks for, in English or Chinese, by keywords in edit phrases.

Careful rather than clever: a keyword counts only where the sentence asks for a change of the picture, its
background or something's colour, so that «Replace the red car with a dog» asks for nothing here.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Literal

from gedit_bench.editing.filters.colours import CANONICAL
from gedit_bench.editing.filters.words import BACKDROPS, EFFECTS, NOT_PAINTABLE, STYLES

Region = Literal["image", "foreground", "background", "sky"]


@dataclass(frozen=True, slots=True)
class Operation:
    """One thing to do: `colour` is the colour to give, `source` the colour that something has now."""

    name: str
    region: Region = "image"
    colour: str = ""
    source: str = ""

    def __str__(self) -> str:
        place = "" if self.region == "image" else f" {self.region}"
        before = f" {self.source}" if self.source else place
        return f"{self.name}{before} to {self.colour}" if self.colour else f"{self.name}{place}"


_LONGEST = 500
"""Characters that are read: three times the benchmark's longest instruction; the patterns slow down beyond."""
_QUOTED = re.compile(r"\"[^\"]*\"|“[^”]*”|‘[^’]*’|「[^」]*」|『[^』]*』|《[^》]*》|(?<!\w)'[^']*'(?!\w)")
_KEPT = re.compile(
    r"\b(?:keep(?:ing)?|without|don't|do not|leav(?:e|ing)|preserv(?:e|ing)|maintain(?:ing)?)\b[^,.;]*"
    r"|(?:保持|保留|不要|不改变|不变)[^,。;，；]*"
)
_ABOUT_TEXT = re.compile(
    r"\b(?:text|words?|letters?|lettering|title|caption|logo|slogan|font|numbers?|digits?)\b|文字|文本|字样|字母|标题|数字|字体|标语"
)
_ABOUT_OBJECTS = re.compile(
    r"^\W*(?:please\s+)?(?:replace|swap|remove|delete|erase|insert|put|place|move)\b(?!.*\bbackground\b)"
    r"|移除|去掉|删除|去除|消除|(?:替换|换)(?:成|为)?(?:一|了)?[只个条辆张把件]|^(?:请)?(?:在|给).*(?:加|添加|增加|放)(?:上|入)?(?:一|两|几)[只个条辆张把件位]"
)

_COLOUR = "|".join(sorted((word for word in CANONICAL if word.isascii()), key=len, reverse=True))
_SHADE = (
    r"(?:(?:a|an|the|very|bright|dark|light|deep|pale|vivid|vibrant|solid|pure|pastel|neon|soft|rich"
    r"|shade of|colou?r|in)\s+)*"
)
_END = r"(?=\s*(?:$|[,.;!]|\b(?:colou?r(?:ed)?|tones?|shade|hue|instead|and|while|with|but|one|ones)\b))"
_TO_COLOUR = re.compile(
    rf"\b(?:change|turn|recolou?r|alter|make|paint|dye|colou?r|modify|switch|convert|transform|adjust|set|edit)\b"
    rf"(?P<object>.*?)\b(?:in)?(?:to|as|be)\s+{_SHADE}(?P<colour>{_COLOUR}){_END}"
)
_MADE_COLOUR = re.compile(
    rf"\b(?:make|paint|dye|turn|colou?r|recolou?r|tint)\s+(?P<object>(?:\w+(?:'s)?\s+){{1,6}}?){_SHADE}(?P<colour>{_COLOUR}){_END}"
)
_HAN_COLOUR = "粉红|咖啡|[红橙橘黄绿青蓝紫粉棕褐黑白灰金银米]"
_HAN_TO_COLOUR = re.compile(
    r"(?P<object>[^，,。]*?)(?:的?(?:颜色|色调|色彩))?"
    r"(?:改变为|更改为|修改为|替换为|替换成|转换为|转换成|调整为|改成|改为|变成|变为|换成|换为|染成|涂成|刷成|调成|调为|转为|设为)"
    rf"(?:[深浅亮暗淡鲜纯艳大]*)(?P<colour>{_HAN_COLOUR})色?(?:的)?(?=$|\s|[，,。.!！;；])"
)
_WHOLE = re.compile(
    r"\b(?:image|photo(?:graph)?|picture|scene|it|this|everything|whole|overall|entire|light(?:ing)?|tones?|atmosphere|mood"
    r"|weather|time|season|colou?rs?|saturation|contrast|brightness|exposure|temperature|shot|style|effect|filter|landscape"
    r"|ambian?ence|day|environment|setting|portrait|look|view|street|city|sky|hue|palette)\b"
    r"|图|照片|画面|整体|场景|全部|画风|风格|色调|色彩|颜色|光线|亮度|对比度|饱和度|天气|季节|时间|氛围|效果|滤镜|环境|天空|背景|成|为|调|加"
)
_CHANGE = re.compile(
    r"\b(?:make|turn|change|convert|transform|adjust|set|render|redraw|re-?draw|draw|re-?paint|paint|shift|switch|modify|edit|alter"
    r"|re-?style|styli[sz]e|re-?imagine|recreate|tone|simulate|apply|give|use|add|create|increase|decrease|reduce|lower|raise"
    r"|boost|enhance|brighten|darken|lighten|warm|cool|saturate|desaturate|invert|emboss|pixelate|let|have|depict|show|generate)\b"
    r"|改|变|换|转|成|调|加|让|使|把|将|画|绘|渲染|处理|增|提高|降|减|用|做|弄|设|模拟|呈现"
)
_BRIEF = re.compile(
    r"(?!.*\b(?:the|his|her|its|my|their)\b)[a-z&-]+(?:\s+[a-z&-]+){0,3}[.!]?|(?!.*[把将让给])[^a-z]{1,8}"
)
_INTO = re.compile(
    r"\b(?:change|turn|convert|transform|switch|modify|alter)\b.*?\b(?:to|into)\b(?P<wanted>.*)"
    r"|(?:换|转换|转|改|变|调整?)(?:成|为)(?P<wanted_han>.*)"
)
_BACKGROUND = r"(?:background|backdrop)"
_TO_BACKGROUND = re.compile(
    rf"(?<!\w)(?:change|replace|make|turn|set|swap|convert|alter|switch|modify|transform|render|paint|colou?r)\b.*?"
    rf"(?<!in the )(?<!from the )(?<!on the )\b{_BACKGROUND}\b(?P<target>.*)"
    rf"|\b(?:blur|desaturate|defocus|soften)\b(?P<verb>).{{0,20}}\b{_BACKGROUND}\b"
    rf"|\b(?:add|use|give|with|against|put|place|on|set)\b.{{0,30}}?\b(?:a|an)\s+(?P<before>(?:(?!in\b|of\b|from\b|on\b|behind\b)[\w-]+\s+){{1,5}}){_BACKGROUND}\b"
    r"|(?P<han>(?:虚化|模糊)[^，。]{0,4}背景|背景(?!中的|里的|上的|中|里)[^，。]*)"
)
_NO_BACKGROUND = re.compile(
    rf"\b(?:remove|delete|erase)\s+the\s+{_BACKGROUND}\b|(?:去除|移除|去掉|删除|抠除)背景(?![中里上的])"
)


def read_instruction(instruction: str) -> list[Operation]:
    """Return what an instruction asks for, in the order of application; empty if it is nothing that filters can do."""
    start = instruction[:_LONGEST].lower().replace("’", "'")
    text = _KEPT.sub(" ", _QUOTED.sub(" ", start)).strip()
    if _NO_BACKGROUND.search(text):
        return [Operation("plain", "background", "white")]
    if behind := _background(text):
        return [behind]
    if _ABOUT_TEXT.search(text) or _ABOUT_OBJECTS.search(text):
        return []
    if recolour := _recolour(text):
        return [recolour]
    if not _BRIEF.fullmatch(text) and not (_CHANGE.search(text) and _WHOLE.search(text)):
        return []
    # of «change the night scene to daytime» only what comes after «to» is asked for
    wanted = (found["wanted"] or found["wanted_han"]) if (found := _INTO.search(text)) else text
    styles = [Operation(name) for name in _named(wanted, STYLES)]
    return [*(Operation(name) for name in _named(wanted, EFFECTS)), *styles[:1]]


def _background(text: str) -> Operation | None:
    found = _TO_BACKGROUND.search(text)
    if found is None:
        return None
    if found["verb"] is not None:
        return Operation("black-and-white" if "desaturate" in found[0] else "blur", "background")
    target = found["target"] or found["before"] or found["han"] or ""
    for name in _named(target, BACKDROPS):
        return Operation(name, "background")
    words = re.search(rf"\b(?:{_COLOUR})\b", target) or re.search(_HAN_COLOUR, target)
    return Operation("plain", "background", CANONICAL[words[0]]) if words else None


def _recolour(text: str) -> Operation | None:
    found = _TO_COLOUR.search(text) or _MADE_COLOUR.search(text) or _HAN_TO_COLOUR.search(text)
    if found is None:
        return None
    thing, colour = found["object"], CANONICAL[found["colour"]]
    if colour in ("black", "white") and re.match(r"\s*and\s+(?:white|black)", text[found.end("colour") :]):
        return None
    words = re.search(rf"\b(?:{_COLOUR})\b", thing) or re.search(rf"(?:{_HAN_COLOUR})(?=色|的)", thing)
    if words and CANONICAL[words[0]] != colour:
        return Operation("recolour", "foreground", colour, CANONICAL[words[0]])
    if re.search(r"\bsky\b|天空", thing):
        return Operation("recolour", "sky", colour)
    if re.search(
        r"\b(?:image|photo|picture|scene|it|this|everything|whole|overall|tones?)\b(?!\s+\w+'s)|图|照片|画面|整体",
        thing,
    ):
        return Operation("tint", "image", colour)
    if NOT_PAINTABLE.search(thing) or not thing.strip():
        return None
    return Operation("recolour", "foreground", colour)


def _named(text: str, table: dict[str, str]) -> Iterator[str]:
    return (name for name, words in table.items() if _pattern(words).search(text))


@cache
def _pattern(words: str) -> re.Pattern[str]:
    return re.compile(words)
