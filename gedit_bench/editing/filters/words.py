"""The vocabulary: operations and the words, English and Chinese, that ask for them, as regular expressions."""

import re

_MORE = r"(?:increase|boost|raise|enhance|improve|more|higher|stronger|add)\b[^,.]*"
_LESS = r"(?:decrease|reduce|lower|less|weaken|lessen|drop)\b[^,.]*"
_HAN_MORE = "(?:增加|增强|提高|提升|加强|加大|调高)[^，。]*"
_HAN_LESS = "(?:减少|减弱|降低|减小|调低)[^，。]*"
# after «add», weather must be the thing itself: not «add snow boots»
_THING = r"(?!\s*(?:man|men|boots?|board|mobile|coat|jacket|drop|bow|globe|leopard|white))"

EFFECTS: dict[str, str] = {
    "brighter": (
        rf"\bbright(?:er|en)\b|\blighten\b|{_MORE}\b(?:brightness|exposure)"
        rf"|变亮|更亮|亮一[点些]|明亮|提亮|{_HAN_MORE}(?:亮度|曝光)"
    ),
    "darker": (
        rf"\bdark(?:er|en)\b|\bdimm?er\b|{_LESS}\b(?:brightness|exposure)"
        rf"|变暗|更暗|暗一[点些]|调暗|{_HAN_LESS}(?:亮度|曝光)"
    ),
    "more-contrast": rf"{_MORE}\bcontrast\b|\bhigh[- ]contrast\b|高对比|{_HAN_MORE}对比度",
    "less-contrast": rf"{_LESS}\bcontrast\b|\blow[- ]contrast\b|低对比|{_HAN_LESS}对比度",
    "more-saturation": (
        rf"{_MORE}\b(?:saturation|saturated|vivid|vibrant|colou?rful)\b|\b(?:vivid|vibrant)\b"
        rf"|鲜艳|{_HAN_MORE}饱和度"
    ),
    "less-saturation": (
        rf"{_LESS}\b(?:saturation|saturated)\b|\bdesaturate|\b(?:muted|faded) colou?rs"
        rf"|淡雅|{_HAN_LESS}饱和度"
    ),
    "autumn": r"\b(?:autumn|fall (?:season|colou?rs|foliage|scene)|autumnal)\b|秋天|秋季|秋日|秋色",
    "warm": r"\bwarm(?:er|th)?\b|暖色|更暖|温暖|变暖|暖调",
    "cold": r"\b(?:cold(?:er)?|cool(?:er)?|bluish|icy)\b|冷色|更冷|冷调|清冷",
    "sunny": r"\b(?:sunny|sunshine|daytime|daylight|broad day)\b|晴天|晴朗|阳光|白天|日间",
    "sunset": r"\b(?:sunset|dusk|golden hour|sundown|sunrise|evening glow)\b|日落|黄昏|傍晚|夕阳|晚霞|日出",
    "night": r"\b(?:night(?:time)?|midnight|moonlight|moonlit)\b|夜晚|夜景|夜间|黑夜|晚上|深夜|月光",
    "rain": rf"\b(?:rain|rainy|raining|rainstorm|rainfall|drizzle)\b{_THING}|下雨|雨天|雨景|雨中|大雨|小雨",
    "snow": (
        rf"\b(?:snow|snowy|snowing|snowfall|snowstorm|snowflakes|winter|wintry|blizzard)\b{_THING}"
        r"|下雪|雪天|雪景|冬天|冬季|大雪|飘雪|雪花"
    ),
    "fog": r"\b(?:fog|foggy|mist|misty|haze|hazy)\b|雾",
    "sepia": r"\bsepia\b|棕褐色|褐色调|泛黄",
    "vintage": (
        r"\b(?:vintage|retro|old[- ](?:film|photo|fashioned)|nostalgic|film look|polaroid)\b"
        r"|复古|怀旧|老照片|旧照片|胶片"
    ),
    "black-and-white": (
        r"\bblack[- ](?:and|&)[- ]white\b|\bb&w\b|\bgr[ae]y[- ]?scale\b|\bmonochrom(?:e|atic)\b|\bnoir\b"
        r"|黑白|灰度|单色"
    ),
}
STYLES: dict[str, str] = {
    "pencil-sketch": (
        r"\b(?:pencil|graphite|charcoal)[- ](?:sketch|drawing|art|illustration)\b|\bsketch\b|\bline drawing\b"
        r"|素描|铅笔画|速写|线稿"
    ),
    "oil-painting": r"\boil[- ]paint(?:ing|ed)?\b|\bimpressionist\b|\bvan gogh\b|油画|印象派|梵高",
    "watercolour": r"\bwater[- ]?colou?r\b|水彩",
    "cartoon": (
        r"\b(?:cartoon|comic|anime|manga|ghibli|cel[- ]shad(?:ed|ing)|disney|pixar)\b"
        r"|卡通|漫画|动漫|动画|吉卜力|宫崎骏"
    ),
    "pixel-art": r"\bpixel(?:[- ]?art|ated?|s)?\b|\b(?:8|16)[- ]bit\b|\bminecraft\b|像素",
    "mosaic": r"\bmosaics?\b|马赛克",
    "emboss": r"\bemboss(?:ed|ing)?\b|\bbas[- ]relief\b|浮雕",
    "negative": (
        r"\b(?:(?:photo(?:graphic)?|film|colou?r) negative|negative (?:image|film|effect)|invert(?:ed)?)\b"
        r"|负片|反色|反相|底片"
    ),
}
BACKDROPS: dict[str, str] = {
    "blur": r"\b(?:blur(?:red|ry)?|bokeh|out of focus|defocus(?:ed)?)\b|虚化|模糊",
    "black-and-white": r"\bblack[- ](?:and|&)[- ]white\b|\bgr[ae]y[- ]?scale\b|\bmonochrome\b|黑白|灰度",
    "sunset": r"\b(?:sunset|dusk|sunrise|golden hour)\b|日落|黄昏|夕阳|晚霞|日出",
    "night": r"\b(?:night|stars|starry|space|galaxy|universe|cosmos)\b|夜|星空|太空|宇宙|银河",
    "beach": r"\b(?:beach|sea|seaside|ocean|coast|island|shore)\b|海滩|沙滩|海边|大海|海洋|海岸",
    "snowfield": r"\b(?:snow|snowy|winter|ice|glacier|arctic)\b|雪|冰川|冬",
    "meadow": r"\b(?:meadow|grass(?:land|y)?|fields?|lawn|prairie|park|countryside)\b|草地|草原|田野|公园|草坪",
    "sky": r"\b(?:sky|clouds|skies)\b|天空|蓝天|白云",
}
NOT_PAINTABLE = re.compile(
    r"\b(?:hair|eyes?|eyebrows?|lips?|lipstick|skin|face|nails?|teeth|hat|cap|tie|shoes?|glasses|scarf|collar|walls?|floor"
    r"|ceiling|ground|grass|leaves|road|water|door|window|curtains?|material|made)\b"
    r"|头发|眼|眉|唇|口红|皮肤|脸|指甲|牙|帽|领|鞋|围巾|墙|地|天花板|草|叶|路|水|门|窗|材质|材料|质地"
)
"""Parts too small or too scattered for an estimate of the foreground to find."""
