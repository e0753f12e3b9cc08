"""Classical image filters behind plain-language instructions: what `pil-filters` is made of.

`language` reads an instruction, `regions` finds what it is about, and `tones`, `weather`, `styles`, `colours`
and `backgrounds` do the work. Pixels are float32 arrays of shape (height, width, 3), sRGB in 0..1.
"""
