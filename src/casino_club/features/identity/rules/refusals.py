"""Everything that this slice may refuse."""

from casino_club.kernel.errors import Kind, Refused


class WrongCredentials(Refused):
    code = "wrong_credentials"
    kind = Kind.UNKNOWN_CALLER

    def __init__(self) -> None:
        # One sentence for an unknown address and for a wrong password.
        super().__init__("The e-mail address or the password is not right.")


class SessionOver(Refused):
    code = "session_over"
    kind = Kind.UNKNOWN_CALLER

    def __init__(self) -> None:
        super().__init__("This session is over; log in again.")


class EmailTaken(Refused):
    code = "email_taken"
    kind = Kind.CONFLICT

    def __init__(self) -> None:
        super().__init__("Somebody has signed up with this e-mail address already.")


class Banned(Refused):
    code = "banned"
    kind = Kind.FORBIDDEN

    def __init__(self) -> None:
        super().__init__("This account is closed; write to support.")


class InvalidDetails(Refused):
    code = "invalid_details"
    kind = Kind.INVALID


class UserMissing(Refused):
    code = "user_missing"
    kind = Kind.MISSING

    def __init__(self) -> None:
        # The same for a user who is not yours to see and for one who does not exist.
        super().__init__("There is no such user, or none that you may see.")


class SessionMissing(Refused):
    code = "session_missing"
    kind = Kind.MISSING

    def __init__(self) -> None:
        super().__init__("You have no such session.")


class NotYourself(Refused):
    code = "not_yourself"
    kind = Kind.CONFLICT

    def __init__(self) -> None:
        super().__init__("Nobody changes their own roles or bans themselves; ask another admin.")


class CodeNeeded(Refused):
    code = "code_needed"
    kind = Kind.UNKNOWN_CALLER

    def __init__(self) -> None:
        super().__init__("Send the code of your app, or a recovery code, as `code`.")


class WrongCode(Refused):
    code = "wrong_code"
    kind = Kind.UNKNOWN_CALLER

    def __init__(self) -> None:
        super().__init__("This code is not right, or was used already; wait for the next one.")


class FactorHeld(Refused):
    code = "factor_held"
    kind = Kind.CONFLICT

    def __init__(self) -> None:
        super().__init__("You have a second factor already; remove it before you enrol another.")


class FactorMissing(Refused):
    code = "factor_missing"
    kind = Kind.MISSING

    def __init__(self) -> None:
        super().__init__("You have not begun to enrol a second factor.")


class AgeUnavailable(Refused):
    code = "age_unavailable"
    kind = Kind.UNAVAILABLE

    def __init__(self) -> None:
        super().__init__("Ages can't be checked just now; try again later.")


class AgeUnproven(Refused):
    code = "age_unproven"
    kind = Kind.FORBIDDEN

    def __init__(self, years: int) -> None:
        super().__init__(f"This is for those of {years} or older; prove your age at /api/users/verify-age first.")


class ProviderMissing(Refused):
    code = "provider_missing"
    kind = Kind.MISSING

    def __init__(self) -> None:
        super().__init__("There is no such identity provider; `GET /api/oidc/providers` lists them.")


class ProviderUnavailable(Refused):
    code = "provider_unavailable"
    kind = Kind.UNAVAILABLE

    def __init__(self) -> None:
        super().__init__("The identity provider does not answer just now; try again later, or log in another way.")


class ReturnRefused(Refused):
    code = "return_refused"
    kind = Kind.INVALID

    def __init__(self) -> None:
        super().__init__("`return_to` must be a path of this site, such as /play.")


class LoginUnknown(Refused):
    code = "login_unknown"
    kind = Kind.FORBIDDEN

    def __init__(self) -> None:
        # One sentence whether it never began, is over, was used, or began in another browser.
        super().__init__("This login did not begin in this browser, or is over; begin again.")


class ProviderMixedUp(Refused):
    code = "provider_mixed_up"
    kind = Kind.FORBIDDEN

    def __init__(self) -> None:
        super().__init__("The answer is not of the identity provider that was asked; begin again.")


class LoginCancelled(Refused):
    code = "login_cancelled"
    kind = Kind.FORBIDDEN

    def __init__(self) -> None:
        super().__init__("The identity provider did not let you in, or you cancelled.")


class CodeSpent(Refused):
    code = "code_spent"
    kind = Kind.FORBIDDEN

    def __init__(self) -> None:
        super().__init__("The identity provider gives nothing for this code; begin again.")


class IdTokenInvalid(Refused):
    code = "id_token_invalid"
    kind = Kind.FORBIDDEN

    def __init__(self, why: str = "") -> None:
        # Why is for our log alone: a forger learns nothing from the answer.
        super().__init__("What the identity provider says of you can't be trusted; nothing has been changed.")
        self.why = why


class EmailHeld(Refused):
    code = "email_held"
    kind = Kind.CONFLICT

    def __init__(self) -> None:
        super().__init__("There is an account with this e-mail address: log in to it, and link the provider there.")


class IdentityTaken(Refused):
    code = "identity_taken"
    kind = Kind.CONFLICT

    def __init__(self) -> None:
        super().__init__("Another account is linked with this identity already.")


class ProviderHeld(Refused):
    code = "provider_held"
    kind = Kind.CONFLICT

    def __init__(self) -> None:
        super().__init__("Your account is linked with another identity of this provider; unlink that one first.")


class LinkMissing(Refused):
    code = "link_missing"
    kind = Kind.MISSING

    def __init__(self) -> None:
        super().__init__("Your account is not linked with this provider.")


class LastWayIn(Refused):
    code = "last_way_in"
    kind = Kind.CONFLICT

    def __init__(self) -> None:
        super().__init__("You could not log in any more; set a password or link another provider first.")


class FreshLoginNeeded(Refused):
    code = "fresh_login_needed"
    kind = Kind.FORBIDDEN

    def __init__(self) -> None:
        super().__init__("Your account has no password to show, so log in again and repeat this within 15 minutes.")


class TooManyAttempts(Refused):
    code = "too_many_attempts"
    kind = Kind.LIMITED

    def __init__(self, retry_after_seconds: int) -> None:
        super().__init__(f"Too many attempts; try again in {retry_after_seconds} seconds.")
        self.retry_after_seconds = retry_after_seconds
