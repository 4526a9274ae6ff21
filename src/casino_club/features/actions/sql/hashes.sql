-- What each table holds of some users as one number, which does not depend on the order or on how far files are merged.
-- It is a sum, since a row that is there twice would vanish from an exclusive or; and a hash of NULL is none.
SELECT * FROM (
    SELECT 'actions' AS table, toInt64(count()) AS rows, toString(sum(cityHash64(*))) AS hash
    FROM (
        SELECT * REPLACE (ifNull(toString(value), 'none') AS value)
        FROM actions WHERE user_id BETWEEN {first_user_id:Int64} AND {last_user_id:Int64})
    UNION ALL
    SELECT 'user_days', toInt64(count()), toString(sum(cityHash64(*)))
    FROM (
        SELECT user_id, day, action_type, max(is_play), sum(actions), sum(by_user), sum(in_round), sum(value),
               sum(spent_tokens), sum(earned_tokens), sum(amount), sum(staked), sum(won), max(last_at)
        FROM user_days WHERE user_id BETWEEN {first_user_id:Int64} AND {last_user_id:Int64}
        GROUP BY user_id, day, action_type)
    UNION ALL
    SELECT 'users', toInt64(count()), toString(sum(cityHash64(*)))
    FROM (
        SELECT user_id, min(first_at), max(last_at), max(last_by_user_at), max(standing)
        FROM users WHERE user_id BETWEEN {first_user_id:Int64} AND {last_user_id:Int64}
        GROUP BY user_id)
) ORDER BY table
SETTINGS optimize_aggregation_in_order = 1
