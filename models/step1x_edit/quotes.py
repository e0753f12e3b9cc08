"""Quoted text is given to the language model character by character, as in training."""

PROTECTED = 155
"""Quotes up to this index of the whole chat text, those of its prefix, delimit nothing."""
_OPEN, _CLOSE = "“", "”"
_TO_PLAIN = str.maketrans({"'": '"', _OPEN: '"', _CLOSE: '"'})


def split_quotes(text: str) -> list[str]:
    """Cut a chat text into the pieces that are tokenised one by one.

    Apostrophes and typographic double quotes count as `"`. Each code point inside quotes becomes a
    piece “c” of its own; a closing quote begins the next piece outside; what is never closed is
    emitted character by character to the end, the chat's own ending included.
    """
    pieces: list[str] = []
    buffer = ""
    inside = False
    for index, character in enumerate(text.translate(_TO_PLAIN)):
        if character == '"' and index > PROTECTED:
            buffer += character
            if not inside:
                pieces.append(buffer)
                buffer = ""
            inside = not inside
        elif inside:
            pieces.append(f"{_OPEN}{character}{_CLOSE}")
        else:
            buffer += character
    return [*pieces, buffer] if buffer else pieces
