-- Return a DTC date-time (ccyymmddhhmmss, years 1950 to 2199) as the clock shows it, or null
-- where the text is none. Everything is checked before it is converted, so nothing can raise;
-- arithmetic on the 14 digits costs a third of cutting the text up, and the function stays
-- simple enough for the planner to inline.
--
-- A migration reads this file: never edit it, add a _v2.
CREATE FUNCTION d0010_clock_time_v1(stamp text)
RETURNS timestamp
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
RETURN CASE
    WHEN
        octet_length(stamp) = 14
        AND translate(stamp, '0123456789', '') = ''
        AND stamp::bigint BETWEEN 19500101000000 AND 21991231235959
        AND stamp::bigint / 100000000 % 100 BETWEEN 1 AND 12
        AND stamp::bigint / 1000000 % 100 BETWEEN 1 AND 31
        AND (
            stamp::bigint / 1000000 % 100 <= 28
            OR (
                stamp::bigint / 1000000 % 100 = 29
                AND stamp::bigint / 10000000000 % 4 = 0
                AND (
                    stamp::bigint / 10000000000 % 100 <> 0
                    OR stamp::bigint / 10000000000 % 400 = 0
                )
            )
            OR (
                stamp::bigint / 1000000 % 100 <= 30
                AND stamp::bigint / 100000000 % 100 <> 2
            )
            OR stamp::bigint / 100000000 % 100 IN (1, 3, 5, 7, 8, 10, 12)
        )
        AND stamp::bigint / 10000 % 100 <= 23
        AND stamp::bigint / 100 % 100 <= 59
        AND stamp::bigint % 100 <= 59
        THEN make_timestamp(
            (stamp::bigint / 10000000000)::integer,
            (stamp::bigint / 100000000 % 100)::integer,
            (stamp::bigint / 1000000 % 100)::integer,
            (stamp::bigint / 10000 % 100)::integer,
            (stamp::bigint / 100 % 100)::integer,
            (stamp::bigint % 100)::double precision
        )
END;
