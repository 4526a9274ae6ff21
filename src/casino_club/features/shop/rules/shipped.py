"""The catalogue that the platform brings along. Prices are ours; an operator drafts their own."""

from typing import Any, Final

from casino_club.features.shop.rules.catalogue import FORMAT, Catalogue, catalogue_of

PAID_STAKES: Final = ["eu", "us"]
"""Markets in which what was paid for may enter games of stakes."""


def shipped_catalogue() -> Catalogue:
    """Top-ups of gems and tokens, packages, and what gems buy."""
    return catalogue_of({"format": FORMAT, "items": [*_top_ups(), *_packages(), *_for_gems()]})


def _top_ups() -> list[dict[str, Any]]:
    gems = [
        _item(f"gems-{gems}", f"{gems} gems", f"젬 {gems}개", {"krw": krw}, {"paid_gems": gems})
        for gems, krw in ((10, 1_200), (50, 5_500), (100, 9_900), (300, 27_000), (1000, 79_000))
    ]
    goods = {"cash_tokens": 300}
    return [*gems, _item("tokens-300", "300 cyber tokens", "사이버 토큰 300개", {"krw": 3_300}, goods)]


def _packages() -> list[dict[str, Any]]:
    spins = {"kind": "FREE_SPIN", "amount": 10, "reference": "slot-orchard"}
    badge = {"kind": "BADGE", "amount": 1, "reference": "supporter"}
    return [
        _item(
            "package-orchard",
            "100 gems and 10 free spins",
            "젬 100개와 무료 스핀 10회",
            {"krw": 10_900},
            {"paid_gems": 100, "extras": [spins]},
            day_max=1,
            markets=PAID_STAKES,
        ),
        _item(
            "package-welcome",
            "Welcome: 110 gems and a badge",
            "환영 패키지: 젬 110개와 배지",
            {"krw": 9_900},
            {"paid_gems": 110, "extras": [badge]},
            user_max=1,
        ),
    ]


def _for_gems() -> list[dict[str, Any]]:
    return [
        _item(
            "spins-5",
            "5 free spins",
            "무료 스핀 5회",
            {"gems": 10},
            {"extras": [{"kind": "FREE_SPIN", "amount": 5, "reference": "slot-orchard"}]},
            day_max=3,
        ),
        _item(
            "xp-300", "300 experience points", "경험치 300", {"gems": 30}, {"extras": [{"kind": "XP", "amount": 300}]}
        ),
        _item(
            "badge-comet",
            "The comet badge",
            "혜성 배지",
            {"gems": 50},
            {"extras": [{"kind": "BADGE", "amount": 1, "reference": "comet"}]},
            user_max=1,
        ),
    ]


def _item(name: str, en: str, ko: str, price: dict[str, int], goods: dict[str, Any], **bounds: Any) -> dict[str, Any]:
    return {"id": name, "title": {"en": en, "ko": ko}, "price": price, "goods": goods, **bounds}
