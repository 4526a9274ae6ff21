"""Texts as bytes that can be hashed: no two lists of texts give the same."""


def fields(*texts: str) -> bytes:
    """Texts one after the other, each behind its length in bytes."""
    encoded = (text.encode() for text in texts)
    return b"".join(len(each).to_bytes(4, "big") + each for each in encoded)
