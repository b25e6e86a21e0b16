-- Return a DTC date-time (the number that its 14 digits ccyymmddhhmmss make, years 1950 to 2199)
-- as the clock shows it, or null where there is no such date and time. Everything is checked
-- before it is converted, so nothing can raise. Whoever calls reads the text as a number, once.
CREATE FUNCTION d0010_clock_time(stamp bigint)
RETURNS timestamp
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
RETURN CASE
    WHEN
        stamp BETWEEN 19500101000000 AND 21991231235959
        AND stamp / 100000000 % 100 BETWEEN 1 AND 12
        AND stamp / 1000000 % 100 BETWEEN 1 AND 31
        AND (
            stamp / 1000000 % 100 <= 28
            OR (
                stamp / 1000000 % 100 = 29
                AND stamp / 10000000000 % 4 = 0
                AND (
                    stamp / 10000000000 % 100 <> 0
                    OR stamp / 10000000000 % 400 = 0
                )
            )
            OR (
                stamp / 1000000 % 100 <= 30
                AND stamp / 100000000 % 100 <> 2
            )
            OR stamp / 100000000 % 100 IN (1, 3, 5, 7, 8, 10, 12)
        )
        AND stamp / 10000 % 100 <= 23
        AND stamp / 100 % 100 <= 59
        AND stamp % 100 <= 59
        THEN make_timestamp(
            (stamp / 10000000000)::integer,
            (stamp / 100000000 % 100)::integer,
            (stamp / 1000000 % 100)::integer,
            (stamp / 10000 % 100)::integer,
            (stamp / 100 % 100)::integer,
            (stamp % 100)::double precision
        )
END;
