"""What was bought, by whom and for how much never changes; only what becomes of it does. Nothing of it is deleted."""

from alembic import op

revision = "2026_11_20_shop_kept"
down_revision = "2026_11_20_shop"

STATEMENTS = (
    """CREATE FUNCTION refuse_to_change_purchases() RETURNS trigger LANGUAGE plpgsql AS $$
       BEGIN
         RAISE EXCEPTION 'what was bought stays as it was' USING ERRCODE = 'restrict_violation';
       END $$""",
    """CREATE TRIGGER shop_transactions_never_deleted BEFORE DELETE OR TRUNCATE ON shop_transactions
       FOR EACH STATEMENT EXECUTE FUNCTION refuse_to_change_purchases()""",
    """CREATE TRIGGER shop_transactions_as_ordered BEFORE UPDATE ON shop_transactions FOR EACH ROW
       WHEN ((old.id, old.user_id, old.purchase_key, old.item_id, old.quantity, old.price_in_gems, old.price_krw,
              old.payment_method, old.timestamp, old.catalogue, old.payment_key, old.paid_gems, old.cash_tokens,
              old.expires_at, old.admitted_at)
             IS DISTINCT FROM
             (new.id, new.user_id, new.purchase_key, new.item_id, new.quantity, new.price_in_gems, new.price_krw,
              new.payment_method, new.timestamp, new.catalogue, new.payment_key, new.paid_gems, new.cash_tokens,
              new.expires_at, new.admitted_at))
       EXECUTE FUNCTION refuse_to_change_purchases()""",
    """CREATE TRIGGER shop_transactions_refunds_stay BEFORE UPDATE ON shop_transactions FOR EACH ROW
       WHEN (new.refunded_krw < old.refunded_krw OR (old.settled_at IS NOT NULL AND new.settled_at IS NULL))
       EXECUTE FUNCTION refuse_to_change_purchases()""",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
