"""Two texts of one value are one text, and what could be read in two ways is refused."""

import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from casino_club.kernel.canonical import (
    DEPTH_MAX,
    INTEGER_MAX,
    NotCanonical,
    canonical_text,
    digest_of,
    read_canonical,
    read_json,
)

TEXTS = st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "Zs"]), max_size=8).map(
    lambda text: unicodedata.normalize("NFC", text)
)
NAMES = st.from_regex(r"[a-z][a-z0-9_]{0,5}", fullmatch=True)
VALUES = st.recursive(
    st.integers(0, INTEGER_MAX) | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=12,
)


@given(VALUES)
def test_the_canonical_text_reads_back_and_is_the_only_one(value: object) -> None:
    text = canonical_text(value)

    assert read_canonical(text) == value
    assert canonical_text(read_json(json.dumps(value, indent=3))) == text


def test_names_are_sorted_and_nothing_is_spaced_or_escaped() -> None:
    text = canonical_text({"b": [1, 2], "a": {"ko": '별 "뽑기"'}})

    assert text == '{"a":{"ko":"별 \\"뽑기\\""},"b":[1,2]}'
    assert digest_of(text) == "ad9129ebbe194a5f732914f5bc33b16d7ba89804e13c80c258b87a463c241c86"


@pytest.mark.parametrize(
    "text",
    [
        "1.0",
        "1e3",
        "-1",
        "-0",
        "NaN",
        "Infinity",
        "null",
        "true",
        str(INTEGER_MAX + 1),
        "9" * 5_000,
        '{"a":1,"a":1}',
        '{"A":1}',
        '{"":1}',
        '{"a b":1}',
        '"\\u0007"',
        '"\\ud800"',
        '"\uf8ff"',
        '"e\u0301"',
        "[" * (DEPTH_MAX + 2) + "]" * (DEPTH_MAX + 2),
        "[" * 100_000,
        "[1",
        "",
    ],
)
def test_what_has_no_single_text_is_refused(text: str) -> None:
    with pytest.raises(NotCanonical):
        read_json(text)


@pytest.mark.parametrize("text", ['{"a": 1}', '{"b":1,"a":2}', '"\\u0061"', " 1", "1\n", '"\\/"'])
def test_a_text_in_another_layout_is_not_canonical(text: str) -> None:
    with pytest.raises(NotCanonical):
        read_canonical(text)


def test_a_long_text_is_refused_before_it_is_read() -> None:
    with pytest.raises(NotCanonical, match="longer"):
        read_json('"' + "a" * 300_000 + '"')


def test_bytes_that_are_no_text_are_refused() -> None:
    with pytest.raises(NotCanonical):
        read_json(b'"\xff"')
