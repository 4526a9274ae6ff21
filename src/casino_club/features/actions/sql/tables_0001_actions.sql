-- Every action, as it stands in the log. A day is the operator's, so a late action lies on its own day. Ordered by user,
-- so that what belongs to one lies together; cut by week, so that a question about a month reads a month. What a page
-- brings is one file, not two for each column, since each is flushed; merges make files of columns of it.
-- shard actions by user_id
CREATE TABLE IF NOT EXISTS actions{local}{on_cluster}
(
    id Int64 CODEC(Delta, LZ4),
    user_id Int64 CODEC(Delta, LZ4),
    action_type LowCardinality(String),
    day Date CODEC(Delta, LZ4),
    action_timestamp DateTime64(6, 'UTC') CODEC(Delta, LZ4),
    appended_at DateTime64(6, 'UTC') CODEC(Delta, LZ4),
    by_user Bool,
    is_play Bool,
    value Nullable(Int64) CODEC(T64, LZ4),
    round_id UUID,
    in_round Bool,
    spent_tokens Int64 CODEC(T64, LZ4),
    earned_tokens Int64 CODEC(T64, LZ4),
    amount Int64 CODEC(T64, LZ4),
    currency LowCardinality(String),
    staked Int64 CODEC(T64, LZ4),
    won Int64 CODEC(T64, LZ4),
    source LowCardinality(String),
    streak Int32 CODEC(T64, LZ4),
    day_plays Int32 CODEC(T64, LZ4),
    last_play_at DateTime64(6, 'UTC') CODEC(Delta, LZ4),
    last_action_at DateTime64(6, 'UTC') CODEC(Delta, LZ4),
    metadata String CODEC(ZSTD(1))
)
ENGINE = {replicated}MergeTree
PARTITION BY toMonday(day)
ORDER BY (user_id, id)
SETTINGS {window}, min_bytes_for_wide_part = 67108864, fsync_after_insert = 1, fsync_part_directory = 1;

-- What each user did on a day, by type. `in_round` counts those user-initiated rows that belong to a round: of a round
-- that gave several rows, the play is the gesture. Rows of one key are added up when they are read.
-- shard user_days by user_id
CREATE TABLE IF NOT EXISTS user_days{local}{on_cluster}
(
    user_id Int64 CODEC(Delta, LZ4),
    day Date CODEC(Delta, LZ4),
    action_type LowCardinality(String),
    is_play SimpleAggregateFunction(max, Bool),
    actions SimpleAggregateFunction(sum, Int64) CODEC(T64, LZ4),
    by_user SimpleAggregateFunction(sum, Int64) CODEC(T64, LZ4),
    in_round SimpleAggregateFunction(sum, Int64) CODEC(T64, LZ4),
    value SimpleAggregateFunction(sum, Int64) CODEC(T64, LZ4),
    spent_tokens SimpleAggregateFunction(sum, Int64) CODEC(T64, LZ4),
    earned_tokens SimpleAggregateFunction(sum, Int64) CODEC(T64, LZ4),
    amount SimpleAggregateFunction(sum, Int64) CODEC(T64, LZ4),
    staked SimpleAggregateFunction(sum, Int64) CODEC(T64, LZ4),
    won SimpleAggregateFunction(sum, Int64) CODEC(T64, LZ4),
    last_at SimpleAggregateFunction(max, DateTime64(6, 'UTC')) CODEC(Delta, LZ4)
)
ENGINE = {replicated}AggregatingMergeTree
PARTITION BY toMonday(day)
ORDER BY (user_id, day, action_type)
SETTINGS {window}, fsync_after_insert = 1, fsync_part_directory = 1;

-- Each user's first and last action, last action of their own doing, and standing: that of the row with the highest id.
-- Segments read all of it, so parts are merged earlier than elsewhere: each user is there once and a half, not twice.
-- shard users by user_id
CREATE TABLE IF NOT EXISTS users{local}{on_cluster}
(
    user_id Int64 CODEC(Delta, LZ4),
    first_at SimpleAggregateFunction(min, DateTime64(6, 'UTC')) CODEC(Delta, LZ4),
    last_at SimpleAggregateFunction(max, DateTime64(6, 'UTC')) CODEC(Delta, LZ4),
    last_by_user_at SimpleAggregateFunction(max, DateTime64(6, 'UTC')) CODEC(Delta, LZ4),
    standing SimpleAggregateFunction(max, Tuple(
        id Int64, streak Int32, day_plays Int32,
        last_play_at DateTime64(6, 'UTC'), last_action_at DateTime64(6, 'UTC')))
)
ENGINE = {replicated}AggregatingMergeTree
ORDER BY user_id
SETTINGS {window}, merge_selector_base = 2, fsync_after_insert = 1, fsync_part_directory = 1;

CREATE MATERIALIZED VIEW IF NOT EXISTS actions_to_user_days{on_cluster} TO user_days{local} AS
SELECT
    user_id, day, action_type,
    max(a.is_play) AS is_play,
    toInt64(count()) AS actions,
    toInt64(countIf(a.by_user)) AS by_user,
    toInt64(countIf(a.by_user AND a.in_round)) AS in_round,
    sum(ifNull(a.value, 0)) AS value,
    sum(a.spent_tokens) AS spent_tokens,
    sum(a.earned_tokens) AS earned_tokens,
    sum(a.amount) AS amount,
    sum(a.staked) AS staked,
    sum(a.won) AS won,
    max(action_timestamp) AS last_at
FROM actions{local} AS a
GROUP BY user_id, day, action_type;

CREATE MATERIALIZED VIEW IF NOT EXISTS actions_to_users{on_cluster} TO users{local} AS
SELECT
    user_id,
    min(action_timestamp) AS first_at,
    max(action_timestamp) AS last_at,
    maxIf(action_timestamp, by_user) AS last_by_user_at,
    max((id, streak, day_plays, last_play_at, last_action_at)) AS standing
FROM actions{local} AS a
GROUP BY user_id;
