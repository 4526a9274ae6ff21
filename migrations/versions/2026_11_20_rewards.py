"""Rewards: their history, what is left of them, and what staff propose to give."""

from alembic import op

revision = "2026_11_20_rewards"
down_revision = "2026_11_20_tokens"

STATEMENTS = (
    """CREATE TABLE user_rewards (
        id bigint GENERATED ALWAYS AS IDENTITY,
        user_id bigint NOT NULL,
        reward_type text NOT NULL,
        reward_value bigint NOT NULL,
        reference text NOT NULL,
        reason text NOT NULL,
        cause uuid NOT NULL,
        awarded_at timestamptz NOT NULL,
        trigger_action_id bigint,
        CONSTRAINT user_rewards_pkey PRIMARY KEY (id),
        CONSTRAINT user_rewards_gives_something_check CHECK (reward_value > 0)
    )""",
    "CREATE UNIQUE INDEX user_rewards_cause_idx ON user_rewards (cause, reason)",
    "CREATE INDEX user_rewards_user_id_id_idx ON user_rewards (user_id, id)",
    """CREATE TABLE user_badges (
        user_id bigint NOT NULL,
        badge text NOT NULL,
        awarded_at timestamptz NOT NULL,
        CONSTRAINT user_badges_pkey PRIMARY KEY (user_id, badge)
    )""",
    """CREATE TABLE coupons (
        reward_id bigint NOT NULL,
        user_id bigint NOT NULL,
        coupon text NOT NULL,
        value bigint NOT NULL,
        expires_at timestamptz NOT NULL,
        used_at timestamptz,
        expired_at timestamptz,
        CONSTRAINT coupons_pkey PRIMARY KEY (reward_id),
        CONSTRAINT coupons_reward_id_fkey FOREIGN KEY(reward_id) REFERENCES user_rewards (id),
        CONSTRAINT coupons_ends_one_way_check CHECK (used_at IS NULL OR expired_at IS NULL)
    )""",
    """CREATE INDEX coupons_open_idx ON coupons (expires_at, reward_id)
       WHERE used_at IS NULL AND expired_at IS NULL""",
    "CREATE INDEX coupons_user_id_idx ON coupons (user_id, reward_id)",
    """CREATE TABLE free_spins (
        user_id bigint NOT NULL,
        game text NOT NULL,
        spins bigint NOT NULL,
        CONSTRAINT free_spins_pkey PRIMARY KEY (user_id, game),
        CONSTRAINT free_spins_none_below_zero_check CHECK (spins >= 0)
    )""",
    """CREATE TABLE reward_proposals (
        id bigint GENERATED ALWAYS AS IDENTITY,
        key uuid NOT NULL,
        user_id bigint NOT NULL,
        reward_type text NOT NULL,
        reward_value bigint NOT NULL,
        reference text NOT NULL,
        because text NOT NULL,
        proposed_by bigint NOT NULL,
        proposed_at timestamptz NOT NULL,
        settled_by bigint,
        settled_at timestamptz,
        reward_id bigint,
        CONSTRAINT reward_proposals_pkey PRIMARY KEY (id),
        CONSTRAINT reward_proposals_reward_id_fkey FOREIGN KEY(reward_id) REFERENCES user_rewards (id),
        CONSTRAINT reward_proposals_is_settled_whole_check CHECK ((settled_by IS NULL) = (settled_at IS NULL))
    )""",
    "CREATE UNIQUE INDEX reward_proposals_key_idx ON reward_proposals (proposed_by, key)",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
