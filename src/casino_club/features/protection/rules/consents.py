"""What people may consent to, one by one, and the text that they were shown. Without a consent the answer is no."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from casino_club.features.protection.rules.refusals import ConsentTextOutdated


class Purpose(StrEnum):
    """What a consent is for."""

    MARKETING_PUSH = "marketing_push"
    MARKETING_EMAIL = "marketing_email"
    NIGHT_PUSH = "night_push"
    PERSONALISATION = "personalisation"
    RISK_PROFILE = "risk_profile"
    ADULT_CONTENT = "adult_content"


@dataclass(frozen=True, slots=True)
class ConsentText:
    """What people are asked. Another wording is another version, and who agreed to the old one has not to this."""

    version: int
    en: str
    ko: str


TEXTS: Final[Mapping[Purpose, ConsentText]] = {
    Purpose.MARKETING_PUSH: ConsentText(
        1, "Send me offers and news on this device.", "이 기기로 혜택과 소식을 받겠습니다."
    ),
    Purpose.MARKETING_EMAIL: ConsentText(1, "Send me offers and news by e-mail.", "이메일로 혜택과 소식을 받겠습니다."),
    Purpose.NIGHT_PUSH: ConsentText(
        1, "You may send me advertising at night, from 21:00 to 08:00.", "야간(21:00~08:00)에도 광고를 받겠습니다."
    ),
    Purpose.PERSONALISATION: ConsentText(
        1, "Choose offers for me by how I play.", "내 플레이 기록에 맞춘 혜택을 받겠습니다."
    ),
    Purpose.RISK_PROFILE: ConsentText(
        1, "Use my answers to the quiz to suit the games to me.", "퀴즈 답변을 게임 추천에 사용해도 됩니다."
    ),
    Purpose.ADULT_CONTENT: ConsentText(
        1, "Show me content for adults, once my age is proven.", "성인 인증 후 성인용 콘텐츠를 보겠습니다."
    ),
}


def check_text(purpose: Purpose, version: int) -> None:
    """Nobody agrees to a text that is not the current one. Raises `ConsentTextOutdated`."""
    current = TEXTS[purpose].version
    if version != current:
        raise ConsentTextOutdated(current)
