"""What staff see of anybody's wallet."""

from collections.abc import Sequence
from typing import TypedDict

from casino_club.features.wallet.routes.users import history_page
from casino_club.features.wallet.rules.refusals import UserIdTooLarge
from casino_club.features.wallet.schemas import MovesQuery, TransactionsPage, WalletOut, wallet_out
from casino_club.features.wallet.store import reading
from casino_club.infra.db.database import Database
from casino_club.infra.http.routes import Audience, Id, Routes
from casino_club.kernel.subject import Role

routes = Routes(tags=["wallet of staff"])


class Callers(TypedDict):
    """Who may call."""

    audience: Audience
    roles: Sequence[Role]


READERS: Callers = {"audience": Audience.STAFF, "roles": (Role.SUPPORT, Role.ADMIN)}


@routes.get(
    "/api/admin/wallets/{user_id}",
    **READERS,
    summary="What a user has, by currency and pocket",
    answers={200: WalletOut},
    refusals=(UserIdTooLarge,),
)
async def read_users_wallet(user_id: Id, database: Database) -> WalletOut:
    async with database.connection() as db:
        return wallet_out(user_id, await reading.held_by(db, user_id))


@routes.get(
    "/api/admin/wallets/{user_id}/history",
    **READERS,
    summary="A user's transactions, newest first",
    query=MovesQuery,
    answers={200: TransactionsPage},
    refusals=(UserIdTooLarge,),
)
async def read_users_wallet_history(user_id: Id, query: MovesQuery, database: Database) -> TransactionsPage:
    return await history_page(database, user_id, query)
