"""Where the payment provider knocks. What it says in its webhook moves nothing: it is asked how the payment stands."""

from collections.abc import Callable
from datetime import datetime

from casino_club.features.shop.commands.desk import ShopDesk
from casino_club.features.shop.commands.pursuing import pursue
from casino_club.features.shop.schemas import PaymentWebhook
from casino_club.features.shop.store import purchases
from casino_club.infra.db.database import Database
from casino_club.infra.http.requests import Call
from casino_club.infra.http.routes import Audience, Routes
from casino_club.infra.webhooks import WebhookForged

Clock = Callable[[], datetime]

routes = Routes(tags=["shop"])


@routes.post(
    "/api/webhooks/payments",
    audience=Audience.PUBLIC,
    summary="For the payment provider: something has happened to a payment",
    body=PaymentWebhook,
    answers={204: None},
    refusals=(WebhookForged,),
)
async def hear_of_payment(
    body: bytes, call: Call, database: Database, shop_desk: ShopDesk, clock: Clock
) -> tuple[int, None]:
    now = clock()
    key = shop_desk.provider.key_in(call.headers, body, now=now)
    async with database.connection() as db:
        found = await purchases.of_payment(db, key)
    if found is not None:
        await pursue(shop_desk, found, now=now)
    return 204, None
