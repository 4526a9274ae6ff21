"""Which game a product is of: the one that its name begins with."""

from casino_club.features.games.rules.refusals import OtherGame


def check_product(game: str, product: str) -> None:
    """Raises `OtherGame`."""
    if not product.startswith(f"{game}-"):
        raise OtherGame(game)
