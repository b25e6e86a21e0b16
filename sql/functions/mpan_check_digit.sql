-- Return the check digit that the first 12 digits of an MPAN core ask for; whoever calls reads the
-- 13 digits as a number, once.
--
-- The sum of each digit times its prime (3 to 43 without 11), modulo 11, modulo 10.
CREATE FUNCTION mpan_check_digit(mpan_core bigint)
RETURNS integer
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
RETURN (
    (
        mpan_core / 1000000000000 % 10 * 3
        + mpan_core / 100000000000 % 10 * 5
        + mpan_core / 10000000000 % 10 * 7
        + mpan_core / 1000000000 % 10 * 13
        + mpan_core / 100000000 % 10 * 17
        + mpan_core / 10000000 % 10 * 19
        + mpan_core / 1000000 % 10 * 23
        + mpan_core / 100000 % 10 * 29
        + mpan_core / 10000 % 10 * 31
        + mpan_core / 1000 % 10 * 37
        + mpan_core / 100 % 10 * 41
        + mpan_core / 10 % 10 * 43
    ) % 11 % 10
)::integer;
