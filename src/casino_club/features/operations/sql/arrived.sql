-- How many actions have arrived of each of these minutes of `appended_at`, given in seconds since 1970. The range spares
-- looking into parts that lie apart from it.
SELECT toUnixTimestamp(toStartOfMinute(appended_at)) AS minute, toInt64(count()) AS rows
FROM actions
WHERE appended_at >= toDateTime64({first:UInt32}, 6, 'UTC')
  AND appended_at < toDateTime64({last:UInt32} + 60, 6, 'UTC')
  AND has({minutes:Array(UInt32)}, toUnixTimestamp(toStartOfMinute(appended_at)))
GROUP BY minute
