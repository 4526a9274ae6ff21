"""What people may ask for concerning their data: to be erased, and to see how far that is."""

from collections.abc import Callable
from datetime import datetime
from functools import partial

from casino_club.features.identity.public import PROOF_REFUSALS
from casino_club.features.privacy.commands import erasing, exporting
from casino_club.features.privacy.commands.office import Office
from casino_club.features.privacy.rules import refusals
from casino_club.features.privacy.schemas import (
    ErasureAskedOut,
    ExportOut,
    ProofIn,
    ReceiptCodeIn,
    ReceiptOut,
    export_out,
    receipt_out,
)
from casino_club.infra.http.routes import Audience, Raw, Routes
from casino_club.kernel.subject import UserSubject

Clock = Callable[[], datetime]

ZIP = "application/zip"
AS_FILE = (
    (b"content-disposition", b'attachment; filename="casino-club-export.zip"'),
    (b"cache-control", b"no-store"),
)

routes = Routes(tags=["privacy"])


@routes.post(
    "/api/users/me/erasure",
    audience=Audience.USER,
    summary="Ask to be erased; until it is due it can be taken back",
    body=ProofIn,
    answers={202: ErasureAskedOut},
    refusals=(refusals.ErasureAsked, *PROOF_REFUSALS),
)
async def ask_for_erasure(
    subject: UserSubject, body: ProofIn, office: Office, clock: Clock
) -> tuple[int, ErasureAskedOut]:
    asked = await erasing.ask(office, subject, password=body.current_password, code=body.code, now=clock())
    return 202, ErasureAskedOut(asked.erasure.id, asked.receipt_code, asked.erasure.due_at)


@routes.get(
    "/api/users/me/erasure",
    audience=Audience.USER,
    summary="How one's own erasure stands",
    answers={200: ReceiptOut},
    refusals=(refusals.ErasureMissing,),
)
async def read_erasure(subject: UserSubject, office: Office) -> ReceiptOut:
    async with office.database.connection() as db:
        return receipt_out(await erasing.own_receipt(db, office, subject))


@routes.delete(
    "/api/users/me/erasure",
    audience=Audience.USER,
    summary="Take one's erasure back, and stay",
    answers={204: None},
    refusals=(refusals.ErasureMissing,),
)
async def take_erasure_back(subject: UserSubject, office: Office) -> tuple[int, None]:
    await office.database.run(partial(erasing.take_back, subject=subject))
    return 204, None


@routes.post(
    "/api/users/erasure-receipt",
    audience=Audience.PUBLIC,
    summary="How far an erasure is, for whoever has its receipt code",
    body=ReceiptCodeIn,
    answers={200: ReceiptOut},
    refusals=(refusals.ErasureMissing,),
)
async def read_receipt(body: ReceiptCodeIn, office: Office) -> ReceiptOut:
    async with office.database.connection() as db:
        return receipt_out(await erasing.receipt_by_code(db, office, body.receipt_code))


@routes.post(
    "/api/users/me/export",
    audience=Audience.USER,
    summary="Ask for an archive of all that is kept of oneself",
    body=ProofIn,
    answers={202: ExportOut},
    refusals=(refusals.ExportAsked, refusals.ExportTooSoon, *PROOF_REFUSALS),
)
async def ask_for_export(subject: UserSubject, body: ProofIn, office: Office, clock: Clock) -> tuple[int, ExportOut]:
    asked = await exporting.ask(office, subject, password=body.current_password, code=body.code, now=clock())
    return 202, export_out(asked)


@routes.get(
    "/api/users/me/export",
    audience=Audience.USER,
    summary="How one's export stands",
    answers={200: ExportOut},
    refusals=(refusals.ExportMissing,),
)
async def read_export(subject: UserSubject, office: Office) -> ExportOut:
    async with office.database.connection() as db:
        return export_out(await exporting.read(db, subject))


@routes.get(
    "/api/users/me/export/archive",
    audience=Audience.USER,
    summary="One's archive, until it expires",
    answers={200: bytes},
    answer_media_type=ZIP,
    refusals=(refusals.ExportMissing, *PROOF_REFUSALS),
)
async def fetch_export(subject: UserSubject, office: Office, clock: Clock) -> Raw:
    async with office.database.connection() as db:
        archive = await exporting.fetch(db, office, subject, now=clock())
    return Raw(archive, ZIP, 200, AS_FILE)
