-- What each table holds as one number that does not depend on the order or on how far parts are merged. Sums, since
-- a row that is there twice would vanish from an exclusive or.
SELECT * FROM (
SELECT 'actions' AS table, toInt64(count()) AS rows, toString(sum(cityHash64(*))) AS hash
FROM actions
UNION ALL
SELECT 'user_days', toInt64(count()), toString(sum(cityHash64(*)))
FROM (
    SELECT user_id, day, action_type, max(is_play), sum(actions), sum(by_user), sum(in_round), sum(value),
           sum(spent_tokens), sum(earned_tokens), sum(amount), sum(staked), sum(won), max(last_at)
    FROM user_days GROUP BY user_id, day, action_type)
UNION ALL
SELECT 'users', toInt64(count()), toString(sum(cityHash64(*)))
FROM (
    SELECT user_id, min(first_at), max(last_at), max(last_by_user_at), max(standing)
    FROM users GROUP BY user_id)
) ORDER BY table
