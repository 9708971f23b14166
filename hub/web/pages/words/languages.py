"""The names of languages, as people write what they speak; part of the one catalogue."""

from __future__ import annotations

_NAMES = (
    "ar Arabic, bg Bulgarian, bn Bengali, bs Bosnian, ca Catalan, cs Czech, da Danish, de German, el Greek, "
    "en English, es Spanish, et Estonian, eu Basque, fa Persian, fi Finnish, fr French, ga Irish, he Hebrew, hi Hindi, "
    "hr Croatian, hu Hungarian, hy Armenian, id Indonesian, is Icelandic, it Italian, ja Japanese, ka Georgian, "
    "ko Korean, lt Lithuanian, lv Latvian, mk Macedonian, ms Malay, mt Maltese, nl Dutch, no Norwegian, pa Punjabi, "
    "pl Polish, pt Portuguese, ro Romanian, ru Russian, sk Slovak, sl Slovene, so Somali, sq Albanian, sr Serbian, "
    "sv Swedish, sw Swahili, ta Tamil, th Thai, tl Tagalog, tr Turkish, uk Ukrainian, "
    "ur Urdu, vi Vietnamese, zh Chinese"
)
LANGUAGES: dict[str, str] = {
    "language.none": '"{text}" is no language known here. Write it in English, such as "Italian", or its short code, '
    'such as "it"',
    **{f"language.{tag}": name for tag, name in (each.split() for each in _NAMES.split(", "))},
}
