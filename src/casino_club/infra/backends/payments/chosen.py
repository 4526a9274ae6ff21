"""The provider that the settings name."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NoReturn
from uuid import UUID

from casino_club.infra.backends.payments.sandbox import SandboxPayments
from casino_club.infra.payments import Payment, PaymentProvider, PaymentsAway, PaymentWanted
from casino_club.infra.settings import Settings
from casino_club.infra.webhooks import WebhookForged


class NoPayments:
    """Where no provider is named, nothing can be paid for."""

    @property
    def methods(self) -> Sequence[str]:
        return ()

    async def create(self, wanted: PaymentWanted) -> Payment:  # noqa: ARG002 - the port's
        raise PaymentsAway

    async def find(self, key: UUID) -> Payment | None:  # noqa: ARG002 - the port's
        raise PaymentsAway

    async def cancel(self, key: UUID) -> Payment:  # noqa: ARG002 - the port's
        raise PaymentsAway

    async def refund(self, key: UUID, amount_krw: int) -> Payment:  # noqa: ARG002 - the port's
        raise PaymentsAway

    def key_in(self, headers: Mapping[bytes, bytes], body: bytes, *, now: datetime) -> NoReturn:  # noqa: ARG002 - the port's
        raise WebhookForged("no payments are taken here")


def payment_provider(settings: Settings, webhook_secret: bytes) -> PaymentProvider:
    """The one that the settings name."""
    return sandbox(settings, webhook_secret) or NoPayments()


def sandbox(settings: Settings, webhook_secret: bytes) -> SandboxPayments | None:
    """The sandbox, if it is the one."""
    if settings.payment_provider == "none":
        return None
    return SandboxPayments(settings.data_dir / "sandbox" / "payments.jsonl", webhook_secret)
