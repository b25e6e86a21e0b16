-- Count the files of each day by sender: those who sent most by name, all others together.
--
-- Only so many files are looked at, the latest, and what came at the same moment as the first.
--
-- Params: since         timestamptz  when the first day began
--         today         date
--         time_zone     text         of the days
--         most_senders  integer      that are told by name
--         others        integer      files that are counted beside the first
-- Reads:  flow_file
-- Writes: nothing
WITH arrived AS (
    SELECT
        flow_file.sender,
        flow_file.sender_role,
        -- A search among midnights costs a fifth of what a change of the time zone does.
        (%(since)s AT TIME ZONE %(time_zone)s)::date - 1 + width_bucket(
            flow_file.staged_at,
            array(
                SELECT midnight.at AT TIME ZONE %(time_zone)s
                FROM generate_series(
                    (%(since)s AT TIME ZONE %(time_zone)s), %(today)s::date, '1 day'::interval
                ) AS midnight (at)
            )
        ) AS day,
        count(*) AS files
    FROM flow_file
    WHERE
        flow_file.staged_at >= %(since)s
        AND flow_file.staged_at >= coalesce(
            (
                SELECT first.staged_at
                FROM flow_file AS first
                WHERE first.staged_at >= %(since)s
                ORDER BY first.staged_at DESC
                LIMIT 1 OFFSET %(others)s
            ),
            %(since)s
        )
    GROUP BY flow_file.sender, flow_file.sender_role, day
),

sender AS (
    SELECT
        arrived.sender,
        arrived.sender_role
    FROM arrived
    WHERE arrived.sender <> ''
    GROUP BY arrived.sender, arrived.sender_role
    ORDER BY sum(arrived.files) DESC, arrived.sender ASC, arrived.sender_role ASC
    LIMIT %(most_senders)s
)

SELECT
    coalesce(sender.sender, '') AS sender,
    coalesce(sender.sender_role, '') AS sender_role,
    arrived.day,
    sum(arrived.files)::bigint AS files
FROM arrived
LEFT JOIN sender
    ON arrived.sender = sender.sender AND arrived.sender_role = sender.sender_role
GROUP BY sender.sender, sender.sender_role, arrived.day
ORDER BY
    sender.sender IS NULL ASC,
    sum(sum(arrived.files)) OVER (PARTITION BY sender.sender, sender.sender_role) DESC,
    sender.sender ASC,
    sender.sender_role ASC,
    arrived.day ASC
