"""What staff do about the shop: propose catalogues, approve and withdraw them, look at purchases, and refund them."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TypedDict

from casino_club.features.actions.public import UserGone
from casino_club.features.shop.commands import publishing, pursuing, refunding
from casino_club.features.shop.commands.desk import ShopDesk
from casino_club.features.shop.rules import refusals
from casino_club.features.shop.rules.catalogue import draft_catalogue, read_catalogue
from casino_club.features.shop.schemas import (
    DraftIn,
    DraftOut,
    RefundIn,
    StaffPurchaseOut,
    StaffPurchasesPage,
    StaffPurchasesQuery,
    VersionOut,
    VersionsPage,
    VersionsQuery,
    draft_out,
    staff_purchase_out,
    version_out,
)
from casino_club.features.shop.store import catalogues, purchases
from casino_club.infra.db.database import Database
from casino_club.infra.http.routes import Audience, Id, Routes
from casino_club.kernel.canonical import NotCanonical
from casino_club.kernel.subject import Role, UserSubject

Clock = Callable[[], datetime]

routes = Routes(tags=["shop of staff"])


class Callers(TypedDict):
    """Who may call. Programs may not: an approval is a person's."""

    audience: Audience
    roles: Sequence[Role]


READERS: Callers = {"audience": Audience.STAFF, "roles": (Role.VIEWER, Role.MARKETER, Role.SUPPORT, Role.ADMIN)}
SELLERS: Callers = {"audience": Audience.STAFF, "roles": (Role.MARKETER, Role.ADMIN)}
HELPERS: Callers = {"audience": Audience.STAFF, "roles": (Role.SUPPORT, Role.ADMIN)}


@routes.post(
    "/api/admin/shop/versions",
    **SELLERS,
    summary="Propose a catalogue; the answer is what users would be shown of it",
    body=DraftIn,
    answers={201: DraftOut},
    refusals=(NotCanonical, refusals.InvalidCatalogue, refusals.SaleRepeated),
)
async def draft_catalogue_version(subject: UserSubject, body: DraftIn, database: Database, clock: Clock) -> DraftOut:
    now, live_at = clock(), body.live_at
    catalogue = draft_catalogue(bytes(body.catalogue))
    made = await database.run(lambda db: publishing.draft(db, catalogue, live_at=live_at, by=subject, now=now))
    return draft_out(made, catalogue)


@routes.get(
    "/api/admin/shop/versions",
    **READERS,
    summary="Versions of the catalogue, the newest first",
    query=VersionsQuery,
    answers={200: VersionsPage},
)
async def read_catalogue_versions(query: VersionsQuery, database: Database) -> VersionsPage:
    async with database.connection() as db:
        found = await catalogues.versions(db, before_id=query.cursor, limit=query.limit)
    return VersionsPage([version_out(each) for each in found], found[-1].id if len(found) == query.limit else None)


@routes.get(
    "/api/admin/shop/versions/{version_id}",
    **READERS,
    summary="A version, with all that users are or would be shown of it",
    answers={200: DraftOut},
    refusals=(refusals.VersionMissing,),
)
async def read_catalogue_version(version_id: Id, database: Database) -> DraftOut:
    async with database.connection() as db:
        found = await catalogues.version_of(db, version_id)
        text = await catalogues.text_of(db, found.digest)
    return draft_out(found, read_catalogue(text))


@routes.post(
    "/api/admin/shop/versions/{version_id}/approve",
    **SELLERS,
    summary="Approve a version; with the second person's approval it is live from its time on",
    answers={200: VersionOut},
    refusals=(refusals.VersionMissing, refusals.VersionSettled, refusals.ApprovedAlready, refusals.SaleRepeated),
)
async def approve_catalogue(version_id: Id, subject: UserSubject, database: Database, clock: Clock) -> VersionOut:
    now = clock()
    return version_out(await database.run(lambda db: publishing.approve(db, version_id, by=subject, now=now)))


@routes.post(
    "/api/admin/shop/versions/{version_id}/withdraw",
    **SELLERS,
    summary="Give a draft up",
    answers={200: VersionOut},
    refusals=(refusals.VersionMissing, refusals.VersionSettled),
)
async def withdraw_catalogue(version_id: Id, subject: UserSubject, database: Database, clock: Clock) -> VersionOut:
    now = clock()
    return version_out(await database.run(lambda db: publishing.withdraw(db, version_id, by=subject, now=now)))


@routes.get(
    "/api/admin/shop/purchases",
    **HELPERS,
    summary="Purchases, the latest first, of one user or in one state",
    query=StaffPurchasesQuery,
    answers={200: StaffPurchasesPage},
)
async def read_all_purchases(query: StaffPurchasesQuery, database: Database) -> StaffPurchasesPage:
    wanted = purchases.Filters(query.user_id, query.state)
    async with database.connection() as db:
        found = await purchases.purchases(db, wanted, before_id=query.cursor, limit=query.limit)
    next_cursor = found[-1].id if len(found) == query.limit else None
    return StaffPurchasesPage([staff_purchase_out(each) for each in found], next_cursor)


@routes.post(
    "/api/admin/shop/purchases/{number}/refund",
    **HELPERS,
    summary="Refund a purchase; what is left of its gems and tokens is taken back",
    body=RefundIn,
    answers={200: StaffPurchaseOut},
    refusals=(refusals.PurchaseMissing, refusals.NotRefundable, UserGone),
)
async def refund_purchase(
    number: Id,
    subject: UserSubject,
    body: RefundIn,
    database: Database,
    shop_desk: ShopDesk,
    clock: Clock,
) -> StaffPurchaseOut:
    now = clock()
    given = await database.run(
        lambda db: refunding.refund(db, shop_desk, number, because=body.because, by=subject, now=now)
    )
    return staff_purchase_out(await pursuing.pursue(shop_desk, given, now=now))
